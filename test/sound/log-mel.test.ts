/** @file Spectrograms: the transform against its definition, levels against another tool's, codes, clips. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../src/core/sha256.js";
import { RealFft } from "../../src/sound/fft.js";
import { clipLength, clipOf, type FrontEnd, LogMel, resample, SPEECH_8K, SPEECH_16K } from "../../src/sound/index.js";
import { fixture, floatsOf, tone } from "./fixture.js";

/** |X_k|² by the definition. */
function naive(x: ArrayLike<number>): number[] {
  return Array.from({ length: x.length / 2 + 1 }, (_, k) => {
    let [re, im] = [0, 0];
    for (let n = 0; n < x.length; n++) {
      // The product modulo the size keeps the angle small, and exact.
      const angle = (2 * Math.PI * ((n * k) % x.length)) / x.length;
      re += x[n] * Math.cos(angle);
      im -= x[n] * Math.sin(angle);
    }
    return re * re + im * im;
  });
}

describe("the transform", () => {
  it.each([4, 8, 16, 64, 512])("of %i samples is its definition", (size) => {
    const fft = new RealFft(size);
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: size, maxLength: size }), (x) => {
        const out = new Float64Array(size / 2 + 1);
        fft.powers(Float64Array.from(x), out);
        const energy = x.reduce((sum, value) => sum + value * value, 0);
        naive(x).forEach((power, k) => {
          expect(Math.abs(out[k] - power)).toBeLessThanOrEqual(1e-13 * size * energy);
        });
      }),
      { numRuns: 20 },
    );
  });

  it("of an impulse is flat, to the bit", () => {
    const out = new Float64Array(33);
    new RealFft(64).powers(
      Float64Array.from({ length: 64 }, (_, n) => (n === 0 ? 1 : 0)),
      out,
    );
    expect([...out]).toEqual(Array(33).fill(1));
  });
});

describe("levels", () => {
  it.each(fixture.spectrograms.made.map((made) => [`${made.front.scale} ${made.front.rate}`, made] as const))(
    "%s are those of another tool",
    (_, { front, levels }) => {
      const own = new LogMel(front).levels(floatsOf(fixture.spectrograms.samples));
      expect(own).toHaveLength(levels.length);
      for (const [i, level] of own.entries()) expect(Math.abs(level - levels[i]), `${i}`).toBeLessThan(1e-9);
      // Speech and silence are both in there.
      expect(Math.max(...own)).toBeGreaterThan(-40);
      // The silence at its end, where the frames see it by itself.
      if (front === fixture.spectrograms.made[1].front) expect(Math.min(...own)).toBe(front.floor);
    },
  );

  it("a tone stands in the band that has it", () => {
    const front: FrontEnd = { ...SPEECH_8K, bands: 10, low: 0, high: 4000 };
    const loudest = [300, 1000, 2500].map((hertz) => {
      const levels = new LogMel(front).levels(tone(8000, hertz, 0.032));
      return levels.indexOf(Math.max(...levels));
    });
    expect(loudest).toEqual([1, 4, 8]);
  });

  it("ten times the amplitude is 20 dB", () => {
    const ear = new LogMel(SPEECH_8K);
    const [soft, loud] = [0.05, 0.5].map((level) => ear.levels(tone(8000, 440, 0.1, level)));
    soft.forEach((level, i) => {
      if (level > -80) expect(loud[i] - level).toBeCloseTo(20, 3);
    });
  });
});

describe("codes", () => {
  const ear = new LogMel(SPEECH_8K);
  it("are the rounded levels, silence is 0", () => {
    const samples = floatsOf(fixture.spectrograms.samples);
    const levels = ear.levels(samples);
    const codes = ear.codes(samples);
    expect(codes).toHaveLength(levels.length);
    for (const [i, code] of codes.entries())
      expect(code).toBe(Math.min(255, Math.round((255 * (levels[i] + 95)) / 80)));
    expect(new Set(codes).size).toBeGreaterThan(40);
    expect(ear.clip(new Float32Array(100)).every((code) => code === 0)).toBe(true);
    expect(ear.codes(tone(8000, 1000, 0.1, 100)).includes(255)).toBe(true);
  });
  it("have the same bits everywhere", () => {
    // Noise by whole numbers, so that no engine has a say in it.
    let state = 1;
    const noise = Float32Array.from({ length: 9000 }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return (state - 2 ** 31) / 2 ** 33;
    });
    const levels = ear.levels(noise);
    expect(sha256Hex(new Uint8Array(levels.buffer))).toBe(
      "9d6f9644b45c86bdbf577b60343bf6253ee8944393b50ed167f8bc6dd1d80b22",
    );
    expect(sha256Hex(ear.clip(noise))).toBe("9554601493930ef490935f52a41526eacb331570356f3e3f188a7733d2e9d367");
  });
  it("[frames, bands] of a clip, whatever its length", () => {
    for (const front of [SPEECH_8K, SPEECH_16K]) {
      const own = new LogMel(front);
      for (const length of [0, 1, 500, clipLength(front), clipLength(front) + 1, 40_000])
        expect(own.clip(new Float32Array(length))).toHaveLength(front.frames * front.bands);
      expect(own.frames(clipLength(front))).toBe(front.frames);
      expect(own.frames(clipLength(front) - 1)).toBe(front.frames - 1);
      expect(own.frames(front.window - 1)).toBe(0);
    }
  });
});

describe("clips", () => {
  it("shorter sound stands in the middle of silence", () => {
    expect([...clipOf(Float32Array.of(1, 2, 3), 6)]).toEqual([0, 1, 2, 3, 0, 0]);
    expect([...clipOf(Float32Array.of(1, 2), 2)]).toEqual([1, 2]);
  });
  it("of longer sound the loudest part stays, the first of equals", () => {
    expect([...clipOf(Float32Array.of(1, 0, 3, 3, 0, 3, 3), 2)]).toEqual([3, 3]);
    expect([...clipOf(Float32Array.of(0, 3, 3, 0), 2, 2)]).toEqual([0, 3]);
  });
  it("hold a part of what came, and no part of it is louder", () => {
    const samples = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(samples, fc.integer({ min: 1, max: 12 }), (values, length) => {
        const all = Float32Array.from(values);
        const energy = (part: Float32Array) => part.reduce((sum, x) => sum + x * x, 0);
        const clip = clipOf(all, length);
        expect(clip).toHaveLength(length);
        if (all.length <= length) {
          expect(energy(clip)).toBe(energy(all));
          return;
        }
        const parts = Array.from({ length: all.length - length + 1 }, (_, at) => all.slice(at, at + length));
        expect(energy(clip)).toBe(Math.max(...parts.map(energy)));
        expect(parts.some((part) => `${part}` === `${clip}`)).toBe(true);
      }),
    );
  });
});

describe("front ends that are none", () => {
  it.each<[string, Partial<Record<keyof FrontEnd, unknown>>, RegExp]>([
    ["a missing field", { hop: undefined }, /bad hop/],
    ["an unknown scale", { scale: "bark" }, /bad scale; expected htk or slaney/],
    ["bands beyond half the rate", { high: 4001 }, /0 ≤ low < high ≤ 4000/],
    ["an empty range", { low: 3800 }, /0 ≤ low < high/],
    ["a floor above the top", { floor: 0 }, /floor < top/],
    ["a level above the top", { level: 0 }, /bad level; expected more than -\d+, at most -\d+, got 0/],
    ["a level at the floor", { level: -500 }, /bad level/],
    ["bands without a bin", { bands: 120 }, /band 3 has no bin of the spectrum; expected fewer bands/],
    ["a field too many", { mels: 3 } as never, /unknown option/],
  ])("%s", (_, change, message) => {
    expect(() => new LogMel({ ...SPEECH_8K, ...change } as FrontEnd)).toThrow(message);
  });
  it("and samples that are none", () => {
    expect(() => new LogMel(SPEECH_8K).clip([1, 2] as never)).toThrow(/bad samples; expected a Float32Array/);
    for (const value of [Number.NaN, Infinity, -Infinity]) {
      const message = `bad sample 1; expected a finite number, got ${value}`;
      const samples = Float32Array.of(0, value);
      expect(() => new LogMel(SPEECH_8K).clip(samples)).toThrow(message);
      expect(() => clipOf(samples, 4)).toThrow(message);
      expect(() => resample(samples, 8000, 16_000)).toThrow(message);
    }
  });
});
