/**
 * @file Resampling: constants stay, averages stay, known ramps come out, boxes of random crops are inside and as large
 * as they should be.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArgumentError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { centreCrop, type Picture, randomBox, resample } from "../../src/data/resample.js";

const picture = (
  width: number,
  height: number,
  at: (x: number, y: number, c: number) => number,
  channels = 1,
): Picture => ({
  width,
  height,
  channels,
  pixels: Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const pixel = Math.floor(i / channels);
    return at(pixel % width, Math.floor(pixel / width), i % channels);
  }),
});

describe("resample", () => {
  it("gives a picture back at its own size", () => {
    const source = picture(5, 4, (x, y, c) => 40 * x + 10 * y + c, 3);
    expect(resample(source, 5, 4)).toEqual(source.pixels);
  });
  it("keeps a constant constant, whatever the sizes and the box", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 23 }),
        fc.integer({ min: 1, max: 23 }),
        fc.integer({ min: 1, max: 23 }),
        fc.integer({ min: 1, max: 23 }),
        fc.integer({ min: 0, max: 255 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (width, height, outWidth, outHeight, level, share) => {
          const box = { x: (share * width) / 2, y: (share * height) / 3, width: width / 2, height: height / 2 };
          for (const part of [undefined, box]) {
            const out = resample(
              picture(width, height, () => level),
              outWidth,
              outHeight,
              part,
            );
            expect(out.every((value) => value === level)).toBe(true);
          }
        },
      ),
    );
  });
  it("halves by weights 1, 3, 3, 1 of the triangle, cut off at the edge", () => {
    const source = picture(8, 1, (x) => [0, 80, 160, 240, 0, 0, 80, 80][x]);
    const inner = (1 * 80 + 3 * 160 + 3 * 240 + 1 * 0) / 8;
    const edge = (3 * 0 + 3 * 80 + 1 * 160) / 7;
    expect(Array.from(resample(source, 4, 1).slice(0, 2))).toEqual([Math.round(edge), Math.round(inner)]);
  });
  it("interpolates between pixel centres when it enlarges", () => {
    const out = resample(
      picture(2, 1, (x) => 100 * x),
      4,
      1,
    );
    expect(Array.from(out)).toEqual([0, 25, 75, 100]);
  });
  it("treats columns and rows alike, and channels apart", () => {
    const across = picture(6, 3, (x, _, c) => (c === 0 ? 37 * x : 200 - 17 * x), 2);
    const down = picture(3, 6, (_, y, c) => (c === 0 ? 37 * y : 200 - 17 * y), 2);
    const wide = resample(across, 4, 3);
    const tall = resample(down, 3, 4);
    for (let i = 0; i < 4; i++) {
      for (const c of [0, 1]) expect(wide[i * 2 + c]).toBe(tall[i * 3 * 2 + c]);
    }
  });
  it("refuses empty results and boxes that reach out", () => {
    const source = picture(4, 4, () => 1);
    expect(() => resample(source, 0, 4)).toThrow(ArgumentError);
    expect(() => resample(source, 2, 2, { x: 1, y: 0, width: 4, height: 4 })).toThrow(/resample: bad sizes/);
  });
});

describe("centreCrop", () => {
  it("takes the middle of the picture at the size that its shorter side asks for", () => {
    // 16 across, 8 down: shorter side to 4 halves it; the middle 2×2 stands for columns 6 … 9 and rows 2 … 5.
    const source = picture(16, 8, (x, y) => (x >= 4 && x < 12 && y >= 0 ? 100 : 0));
    expect(Array.from(centreCrop(source, 4, 2))).toEqual([100, 100, 100, 100]);
    const split = picture(16, 8, (x) => (x < 8 ? 0 : 200));
    const [left, right] = centreCrop(split, 8, 4).slice(1, 3);
    expect([left, right]).toEqual([0, 200]);
  });
});

describe("randomBox", () => {
  it("is inside, and its area and ratio are as stated", () => {
    const rng = new Rng("boxes");
    let least = 1;
    let most = 0;
    for (let n = 0; n < 2000; n++) {
      const box = randomBox({ width: 300, height: 200 }, rng);
      expect(box.x >= 0 && box.y >= 0 && box.x + box.width <= 300 && box.y + box.height <= 200).toBe(true);
      const ratio = box.width / box.height;
      expect(ratio).toBeGreaterThan(0.73);
      expect(ratio).toBeLessThan(1.36);
      const area = (box.width * box.height) / (300 * 200);
      [least, most] = [Math.min(least, area), Math.max(most, area)];
    }
    expect(least).toBeGreaterThan(0.07);
    expect(least).toBeLessThan(0.1);
    expect(most).toBeGreaterThan(0.85);
  });
  it("falls back to the largest middle box where none fits", () => {
    expect(randomBox({ width: 1000, height: 10 }, new Rng(1))).toEqual({ x: 493, y: 0, width: 13, height: 10 });
  });
});
