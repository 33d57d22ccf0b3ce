/** @file Cutout: what is hidden, where squares lie, and what fills them. */
import { describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { cutout, DataLoader, imageDataset } from "../../src/data/index.js";

const [H, W, C] = [6, 8, 3];
const pixels = Uint8Array.from({ length: H * W * C }, (_, i) => (i * 37) % 200);

/** Rows and columns that differ from the original. */
function hidden(after: Uint8Array): { rows: number[]; columns: number[] } {
  const [rows, columns] = [new Set<number>(), new Set<number>()];
  for (let y = 0; y < H; y++) {
    for (let x = 0; x < W; x++) {
      const at = (y * W + x) * C;
      if ([0, 1, 2].every((c) => after[at + c] === 255)) {
        rows.add(y);
        columns.add(x);
      } else expect([...after.subarray(at, at + C)]).toEqual([...pixels.subarray(at, at + C)]);
    }
  }
  return { rows: [...rows], columns: [...columns] };
}

describe("cutout", () => {
  it("hides one square, cut at the image's edge, its centre on every pixel alike", () => {
    const centres = new Map<string, number>();
    const transform = cutout({ size: 3, fill: 255 });
    for (let n = 0; n < 4800; n++) {
      const image = pixels.slice();
      transform.apply(image, [H, W, C], new Rng(n));
      const { rows, columns } = hidden(image);
      const middle = (list: number[], most: number): number =>
        list.length === 3 ? list[1] : list[0] === 0 ? 0 : most - 1;
      for (const list of [rows, columns]) expect(list.length).toBeGreaterThanOrEqual(2);
      const key = `${middle(rows, H)} ${middle(columns, W)}`;
      centres.set(key, (centres.get(key) ?? 0) + 1);
    }
    expect(centres.size).toBe(H * W);
    // 100 each on average; six standard deviations.
    for (const count of centres.values()) expect(Math.abs(count - 100)).toBeLessThan(60);
  });

  it("by default hides half of the shorter side with each channel's mean", () => {
    const image = pixels.slice();
    cutout().apply(image, [H, W, C], new Rng(5));
    const means = [0, 1, 2].map((c) =>
      Math.round(pixels.filter((_, i) => i % C === c).reduce((a, b) => a + b) / (H * W)),
    );
    let changed = 0;
    for (let at = 0; at < image.length; at += C) {
      if ([0, 1, 2].every((c) => image[at + c] === pixels[at + c])) continue;
      changed++;
      expect([...image.subarray(at, at + C)]).toEqual(means);
    }
    expect(changed).toBeGreaterThanOrEqual(2 * 2);
    expect(changed).toBeLessThanOrEqual(3 * 3);
  });

  it("depends on seed, epoch and image alone", () => {
    const data = imageDataset({
      name: "squares",
      shape: [H, W, C],
      classes: 2,
      images: Uint8Array.from({ length: 4 * H * W * C }, (_, i) => i % 251),
      labels: Int32Array.from([0, 1, 0, 1]),
    });
    const images = (batch: number): number[] => {
      const loader = new DataLoader(data, { batch, seed: 4, transforms: [cutout()] });
      return Array.from({ length: loader.batches }, (_, index) => [...loader.batch(2, index).images]).flat();
    };
    expect(images(1)).toEqual(images(4));
  });

  it.each([{ size: 0 }, { size: 1.5 }, { fill: 256 }, { fill: "black" }, { side: 3 }])("refuses %o", (options) => {
    expect(() => cutout(options as object)).toThrow(/cutout/);
  });
  it("refuses pixels that are no image", () => {
    expect(() => cutout().apply(new Uint8Array(5), [H, W, C], new Rng(1))).toThrow(/pixels do not fit/);
  });
});
