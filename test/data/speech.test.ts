/** @file Augmentations of spectrograms: what each may change, and that seed, epoch and index alone decide. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { imageDataset } from "../../src/data/dataset.js";
import {
  coloration,
  DataLoader,
  type ImageShape,
  loudness,
  spectralMasks,
  spectralNoise,
  tempo,
  timeShift,
  vocalTract,
} from "../../src/data/index.js";
import type { ImageTransform } from "../../src/data/transforms.js";
import { TRANSFORMS } from "../../src/run/loaders.js";

const picture = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 6 })).chain(([frames, bands]) =>
  fc.record({
    shape: fc.constant<ImageShape>([frames, bands, 1]),
    codes: fc.uint8Array({ minLength: frames * bands, maxLength: frames * bands }),
    seed: fc.nat(),
  }),
);

/** Tries a transform on random pictures. */
function each(transform: ImageTransform, holds: (after: Uint8Array, before: Uint8Array, shape: ImageShape) => void) {
  fc.assert(
    fc.property(picture, ({ shape, codes, seed }) => {
      const [one, other] = [codes.slice(), codes.slice()];
      transform.apply(one, shape, new Rng(seed));
      transform.apply(other, shape, new Rng(seed));
      expect(other).toEqual(one);
      holds(one, codes, shape);
    }),
  );
}

const rows = (codes: Uint8Array, [frames, bands]: ImageShape) =>
  Array.from({ length: frames }, (_, t) => `${codes.subarray(t * bands, (t + 1) * bands)}`);

describe("timeShift", () => {
  it("moves whole frames, and silence comes in", () => {
    each(timeShift({ frames: 3 }), (after, before, shape) => {
      const silence = `${new Uint8Array(shape[1])}`;
      const moved = (by: number) => rows(before, shape).map((_, t) => rows(before, shape)[t - by] ?? silence);
      expect([-3, -2, -1, 0, 1, 2, 3].map((by) => `${moved(by)}`)).toContain(`${rows(after, shape)}`);
    });
  });
  it("by all distances up to the greatest", () => {
    const found = new Set(
      Array.from({ length: 200 }, (_, seed) => {
        const codes = Uint8Array.of(0, 0, 0, 9, 0, 0, 0);
        timeShift({ frames: 3 }).apply(codes, [7, 1, 1], new Rng(seed));
        return codes.indexOf(9) - 3;
      }),
    );
    expect([...found].sort((a, b) => a - b)).toEqual([-3, -2, -1, 0, 1, 2, 3]);
  });
});

describe("loudness", () => {
  it("moves every code alike, within the range; silence stays", () => {
    each(loudness({ codes: 20 }), (after, before) => {
      const inside = [...before.keys()].filter((i) => before[i] > 20 && before[i] < 235);
      expect(new Set(inside.map((i) => after[i] - before[i])).size).toBeLessThanOrEqual(1);
      for (const i of before.keys()) {
        if (before[i] === 0) expect(after[i]).toBe(0);
        expect(Math.abs(after[i] - before[i])).toBeLessThanOrEqual(20);
      }
    });
  });
});

describe("spectralNoise", () => {
  it("never takes power away, adds at most 3 dB to what is louder, and stays near its level elsewhere", () => {
    // 3 dB are log10(2)·10 dB, in codes of 80/255 dB.
    const most = Math.round((10 * Math.log10(2)) / (80 / 255));
    each(spectralNoise({ p: 1, level: 50 }), (after, before) => {
      for (const i of before.keys()) {
        expect(after[i]).toBeGreaterThanOrEqual(before[i]);
        expect(after[i]).toBeLessThanOrEqual(Math.max(50, before[i]) + most);
        if (before[i] > 200) expect(after[i]).toBe(before[i]);
      }
    });
  });
  it("adds powers: two equal ones are 3 dB more", () => {
    const codes = new Uint8Array(20).fill(40);
    let seen = 0;
    for (let seed = 0; seed < 2000; seed++) {
      const own = codes.slice();
      spectralNoise({ p: 1, level: 40 }).apply(own, [20, 1, 1], new Rng(seed));
      seen = Math.max(seen, ...own);
    }
    expect(seen).toBe(40 + Math.round((10 * Math.log10(2)) / (80 / 255)));
  });
  it("with its probability", () => {
    let changed = 0;
    for (let seed = 0; seed < 400; seed++) {
      const own = new Uint8Array(20);
      spectralNoise({ p: 0.25, level: 255 }).apply(own, [20, 1, 1], new Rng(seed));
      if (own.some((code) => code > 0)) changed++;
    }
    expect(changed).toBeGreaterThan(60);
    expect(changed).toBeLessThan(140);
  });
});

describe("spectralMasks", () => {
  it("silences stretches no wider than they may be, and changes nothing else", () => {
    each(spectralMasks({ frames: 2, bands: 1, count: 1 }), (after, before, [frames, bands]) => {
      const bright = before.map((code) => Math.max(1, code));
      for (const i of before.keys()) expect([0, before[i]]).toContain(after[i]);
      // On a picture without zeros, rows and columns that are all zero are the masks.
      const own = bright.slice();
      spectralMasks({ frames: 2, bands: 1, count: 1 }).apply(own, [frames, bands, 1], new Rng(7));
      const zero = [...own.keys()].filter((i) => own[i] === 0);
      expect(zero.length).toBeLessThanOrEqual(2 * bands + frames);
    });
  });
});

describe("tempo", () => {
  it("with a share of nothing changes nothing", () => {
    each(tempo({ share: 0 }), (after, before) => expect(after).toEqual(before));
  });
  it("moves what is at the edge inwards or outwards about the middle, by at most its share", () => {
    const places = new Set<number>();
    for (let seed = 0; seed < 300; seed++) {
      const codes = new Uint8Array(41);
      codes[30] = 255;
      tempo({ share: 0.2 }).apply(codes, [41, 1, 1], new Rng(seed));
      const mass = codes.reduce((sum, code) => sum + code, 0);
      places.add(Math.round(codes.reduce((sum, code, t) => sum + code * t, 0) / mass));
    }
    // 20 + 10/f for f of 0.8 … 1.2: 28.3 to 32.5.
    expect([...places].sort((a, b) => a - b)).toEqual([28, 29, 30, 31, 32]);
  });
  it("is between two frames by their shares, and silent beyond", () => {
    const codes = new Uint8Array(9).fill(200);
    const rng = new Rng(3);
    const factor = new Rng(3).range(0.5, 1.5);
    tempo({ share: 0.5 }).apply(codes, [9, 1, 1], rng);
    const wanted = Array.from({ length: 9 }, (_, t) => {
      const place = 4 + (t - 4) * factor;
      const [before, share] = [Math.floor(place), place - Math.floor(place)];
      const at = (frame: number) => (frame < 0 || frame > 8 ? 0 : 200);
      return Math.floor(at(before) * (1 - share) + at(before + 1) * share + 0.5);
    });
    expect([...codes]).toEqual(wanted);
  });
});

describe("vocalTract", () => {
  it("moves bands alike in all frames; the lowest and the highest stay what they are beyond the ends", () => {
    const [frames, bands] = [3, 20];
    const moved = new Set<number>();
    for (let seed = 0; seed < 200; seed++) {
      const codes = new Uint8Array(frames * bands);
      for (let t = 0; t < frames; t++) codes[t * bands + 12] = 250;
      vocalTract({ share: 0.2 }).apply(codes, [frames, bands, 1], new Rng(seed));
      expect(codes.slice(0, bands)).toEqual(codes.slice(bands, 2 * bands));
      const mass = codes.slice(0, bands).reduce((sum, code) => sum + code, 0);
      moved.add(Math.round(codes.slice(0, bands).reduce((sum, code, b) => sum + code * b, 0) / mass));
    }
    // (12½)/f − ½ for f of 0.8 … 1.2: 9.9 to 15.1.
    expect([...moved].sort((a, b) => a - b)).toEqual([10, 11, 12, 13, 14, 15]);
  });
  it("of one value gives that value", () => {
    const codes = new Uint8Array(60).fill(77);
    vocalTract().apply(codes, [3, 20, 1], new Rng(1));
    expect([...new Set(codes)]).toEqual([77]);
  });
});

describe("coloration", () => {
  it("changes every band alike in all frames, by no more than it may; silence stays", () => {
    each(coloration({ codes: 20, knots: 3 }), (after, before, [, bands]) => {
      const changes = new Map<number, number>();
      for (const i of before.keys()) {
        if (before[i] === 0) expect(after[i]).toBe(0);
        expect(Math.abs(after[i] - before[i])).toBeLessThanOrEqual(20);
        if (before[i] <= 20 || before[i] >= 235) continue;
        const known = changes.get(i % bands) ?? after[i] - before[i];
        expect(after[i] - before[i]).toBe(known);
        changes.set(i % bands, known);
      }
    });
  });
});

describe("all of them", () => {
  const shape: ImageShape = [12, 5, 1];
  const images = Uint8Array.from({ length: 20 * 60 }, (_, i) => (i * 31) % 256);
  const dataset = imageDataset({ name: "x", shape, classes: 2, images, labels: new Uint8Array(20) });

  it("depend on seed, epoch and index alone", () => {
    const batch = (size: number, seed: number, epoch: number) => {
      const transforms = [...TRANSFORMS.speech, ...TRANSFORMS.voices];
      const loader = new DataLoader(dataset, { batch: size, seed, transforms });
      return Array.from({ length: loader.batches }, (_, k) => [...loader.batch(epoch, k).images]).flat();
    };
    expect(batch(20, 1, 3)).toEqual(batch(7, 1, 3));
    expect(batch(20, 1, 3)).not.toEqual(batch(20, 1, 4));
    expect(batch(20, 1, 3)).not.toEqual(batch(20, 2, 3));
  });
  it.each([timeShift(), loudness(), spectralNoise(), spectralMasks(), tempo(), vocalTract(), coloration()])(
    "refuse colour and other sizes",
    (transform) => {
      expect(() => transform.apply(new Uint8Array(12), [2, 2, 3], new Rng(1))).toThrow(/not a spectrogram/);
      expect(() => transform.apply(new Uint8Array(5), [2, 2, 1], new Rng(1))).toThrow(/pixels do not fit/);
      expect(() => transform.apply(new Uint8Array(4), [2, 2, 1], {} as Rng)).toThrow(/bad rng/);
    },
  );
});
