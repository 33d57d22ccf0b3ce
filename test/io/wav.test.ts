/** @file WAV: files of other writers, every kind of sample there and back, and all that can be wrong with a file. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArgumentError } from "../../src/core/errors.js";
import { readWav, type WavEncoding, writeWav } from "../../src/io/index.js";
import { bytesOf, fixture, floatsOf } from "../sound/fixture.js";
import { refusal, refusesEveryCut, survivesMutation, unaligned } from "./malformed.js";

const ENCODINGS: WavEncoding[] = ["pcm8", "pcm16", "pcm24", "pcm32", "float32", "float64"];
const read = (bytes: Uint8Array, file: string) => readWav(bytes, file);

/** A file by its chunks; `data` may be cut or made longer by hand. */
function riff(...chunks: [name: string, bytes: Uint8Array][]): Uint8Array {
  const parts = chunks.map(([name, bytes]) => {
    const out = new Uint8Array(8 + bytes.length + (bytes.length % 2));
    out.set([...name].map((c) => c.charCodeAt(0)));
    new DataView(out.buffer).setUint32(4, bytes.length, true);
    out.set(bytes, 8);
    return out;
  });
  const size = parts.reduce((sum, part) => sum + part.length, 4);
  const out = new Uint8Array(8 + size);
  out.set([..."RIFF"].map((c) => c.charCodeAt(0)));
  new DataView(out.buffer).setUint32(4, size, true);
  out.set(
    [..."WAVE"].map((c) => c.charCodeAt(0)),
    8,
  );
  let at = 12;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** A fmt chunk. */
function fmt(tag: number, channels: number, rate: number, bits: number, change: { block?: number; sub?: number } = {}) {
  const out = new Uint8Array(change.sub === undefined ? 16 : 40);
  const view = new DataView(out.buffer);
  view.setUint16(0, tag, true);
  view.setUint16(2, channels, true);
  view.setUint32(4, rate, true);
  view.setUint16(12, change.block ?? (channels * bits) / 8, true);
  view.setUint16(14, bits, true);
  if (change.sub !== undefined) {
    view.setUint16(16, 22, true);
    view.setUint16(18, bits, true);
    view.setUint16(24, change.sub, true);
    out.set([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71], 26);
  }
  return out;
}

describe("files of other writers", () => {
  it.each(Object.entries(fixture.wav))("%s", (_, { file, samples, ...about }) => {
    for (const bytes of [bytesOf(file), unaligned(bytesOf(file))]) {
      const { samples: own, ...found } = readWav(bytes);
      expect(found).toEqual(about);
      expect([...own]).toEqual([...floatsOf(samples)]);
    }
  });
});

describe("there and back", () => {
  it.each(ENCODINGS)(
    "%s: what can be kept exactly comes back, and writing it again gives the same bytes",
    (encoding) => {
      const bits = Math.min(24, Number(encoding.replace(/\D+/, "")));
      const top = 2 ** (bits - 1);
      const sample = fc.integer({ min: -top, max: top - 1 }).map((code) => code / top);
      fc.assert(
        fc.property(fc.array(sample, { maxLength: 9 }), fc.integer({ min: 1000, max: 768_000 }), (values, rate) => {
          const samples = Float32Array.from(values);
          const bytes = writeWav(samples, rate, { encoding });
          const sound = readWav(bytes);
          expect(sound).toEqual({ rate, channels: 1, encoding, samples });
          expect(writeWav(sound.samples, rate, { encoding })).toEqual(bytes);
        }),
      );
    },
  );

  it("channels become their mean", () => {
    const channels = [Float32Array.of(1, 0, -0.5), Float32Array.of(0, 0.5, -1), Float32Array.of(0.5, 1, 0)];
    const sound = readWav(writeWav(channels, 8000, { encoding: "float32" }));
    expect(sound).toMatchObject({ channels: 3, samples: Float32Array.of(0.5, 0.5, -0.5) });
  });

  it("rounds to the nearest and stays within full scale", () => {
    const samples = Float32Array.of(2, -2, 1.4 / 32768, 1.6 / 32768, -1.6 / 32768);
    expect([...readWav(writeWav(samples, 8000)).samples].map((x) => x * 32768)).toEqual([32767, -32768, 1, 2, -2]);
  });
});

describe("other chunks", () => {
  const data = Uint8Array.of(129, 0, 64);
  it("are passed over, odd ones with their pad byte", () => {
    const bytes = riff(
      ["JUNK", new Uint8Array(3)],
      ["fmt ", fmt(1, 1, 8000, 8)],
      ["LIST", new Uint8Array(5)],
      ["data", data],
    );
    expect([...readWav(bytes).samples]).toEqual([1 / 128, -1, -0.5]);
  });
  it("the pad byte of the last may be missing", () => {
    const padded = riff(["fmt ", fmt(1, 1, 8000, 8)], ["data", data]);
    const bytes = padded.slice(0, -1);
    new DataView(bytes.buffer).setUint32(4, bytes.length - 8, true);
    expect(readWav(bytes).samples).toHaveLength(3);
  });
  it("WAVE_FORMAT_EXTENSIBLE says its kind in a sub-format", () => {
    const bytes = riff(["fmt ", fmt(0xfffe, 1, 8000, 8, { sub: 1 })], ["data", data]);
    expect(readWav(bytes)).toMatchObject({ encoding: "pcm8", samples: Float32Array.of(1 / 128, -1, -0.5) });
    const float = riff(["fmt ", fmt(0xfffe, 1, 8000, 32, { sub: 3 })], ["data", new Uint8Array(8)]);
    expect(readWav(float)).toMatchObject({ encoding: "float32", samples: new Float32Array(2) });
  });
  it("a writer that did not know its length: to the end", () => {
    const bytes = riff(["fmt ", fmt(1, 1, 8000, 8)], ["data", Uint8Array.of(129, 0, 64, 128)]);
    const view = new DataView(bytes.buffer);
    view.setUint32(4, 0xffffffff, true);
    view.setUint32(40, 0xffffffff, true);
    expect(readWav(bytes).samples).toHaveLength(4);
  });
});

describe("refuses", () => {
  const good = (data = new Uint8Array(4)) => riff(["fmt ", fmt(1, 1, 8000, 16)], ["data", data]);
  const changed = (chunk: Uint8Array, data = new Uint8Array(4)) => riff(["fmt ", chunk], ["data", data]);

  it.each<[string, Uint8Array, RegExp]>([
    ["no RIFF", Uint8Array.from(good(), (b, i) => (i === 3 ? 88 : b)), /not a WAV file.*got "RIFXWAVE"; RIFX files/],
    ["no fmt", riff(["data", new Uint8Array(4)]), /one chunk "fmt ", got 0/],
    ["no data", riff(["fmt ", fmt(1, 1, 8000, 16)]), /one chunk "data", got 0/],
    [
      "two data",
      riff(["fmt ", fmt(1, 1, 8000, 16)], ["data", new Uint8Array(2)], ["data", new Uint8Array(2)]),
      /got 2/,
    ],
    ["A-law", changed(fmt(6, 1, 8000, 8)), /samples of another kind; expected PCM.*got A-law of 8 bits/],
    ["12 bits", changed(fmt(1, 1, 8000, 12, { block: 2 })), /got PCM of 12 bits/],
    ["16-bit floats", changed(fmt(3, 1, 8000, 16)), /got IEEE float of 16 bits/],
    ["an unknown format", changed(fmt(999, 1, 8000, 16)), /got format 999 of 16 bits/],
    ["no channel", changed(fmt(1, 0, 8000, 16)), /number of channels; expected 1 to 32, got 0/],
    ["many channels", changed(fmt(1, 33, 8000, 16)), /number of channels; expected 1 to 32, got 33/],
    ["no rate", changed(fmt(1, 1, 0, 16)), /sample rate; expected 1000 to 768000, got 0/],
    [
      "another block",
      changed(fmt(1, 1, 8000, 16, { block: 4 })),
      /bytes of a sample of all channels; expected 2, got 4/,
    ],
    [
      "half a sample",
      changed(fmt(1, 1, 8000, 16), new Uint8Array(3)),
      /ends within a sample; expected a multiple of 2 bytes, got 3/,
    ],
    ["a short fmt", changed(fmt(1, 1, 8000, 16).slice(0, 14)), /truncated fmt chunk/],
    ["a short extensible", changed(Uint8Array.from(fmt(0xfffe, 1, 8000, 16))), /40 bytes of WAVE_FORMAT_EXTENSIBLE/],
    ["another sub-format", changed(fmt(0xfffe, 1, 8000, 16, { sub: 1 }).fill(7, 30)), /unknown sub-format/],
    [
      "NaN",
      changed(fmt(3, 1, 8000, 32), Uint8Array.of(0, 0, 0xc0, 0x7f)),
      /sample 0; expected a finite number, got NaN/,
    ],
    ["too large a double", changed(fmt(3, 1, 8000, 64), new Uint8Array(Float64Array.of(1e300).buffer)), /got Infinity/],
  ])("%s", (_, bytes, message) => {
    expect(refusal(read, bytes)).toMatch(message);
  });

  it("every cut, and a byte more", () => {
    refusesEveryCut(read, good());
    refusesEveryCut(
      read,
      riff(["LIST", new Uint8Array(3)], ["fmt ", fmt(0xfffe, 2, 8000, 16, { sub: 1 })], ["data", new Uint8Array(8)]),
    );
  });

  it("nothing else about damaged files", () => {
    for (const encoding of ENCODINGS) survivesMutation(read, writeWav(new Float32Array(3), 8000, { encoding }));
  });

  it("more than the limit, before any sample is made", () => {
    expect(() => readWav(good(new Uint8Array(20)), "long.wav", { maxSamples: 9 })).toThrow(
      /^long\.wav: more samples than are read; expected at most 9, got 10/,
    );
    expect(readWav(good(new Uint8Array(18)), "long.wav", { maxSamples: 9 }).samples).toHaveLength(9);
  });

  it("to write what is no sound", () => {
    expect(() => writeWav(Float32Array.of(Number.NaN), 8000)).toThrow(ArgumentError);
    expect(() => writeWav([], 8000)).toThrow(/1 to 32 channels of one length/);
    expect(() => writeWav([new Float32Array(1), new Float32Array(2)], 8000)).toThrow(/1 to 32 channels of one length/);
    expect(() => writeWav(new Float32Array(1), 999)).toThrow(/bad rate/);
    expect(() => writeWav(new Float64Array(1) as never, 8000)).toThrow(/bad data; expected Float32Array/);
    expect(() => readWav(good(), "x", { maxSample: 1 } as never)).toThrow(/did you mean maxSamples/);
  });
});
