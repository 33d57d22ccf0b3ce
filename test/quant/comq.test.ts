/**
 * @file COMQ: the objective never rises, beats rounding, meets brute force on tiny layers, and what it leaves in a
 * network.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { digits } from "../../src/data/digits.js";
import { pack, verify } from "../../src/export/index.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { BatchNorm1d, BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential } from "../../src/nn/index.js";
import {
  calibrate,
  comq,
  comqLayer,
  minMax,
  onGrid,
  prepare,
  projectionFor,
  type QuantConv2d,
  type QuantLinear,
} from "../../src/quant/index.js";
import { topOfBits } from "../../src/quant/projection/index.js";
import { disposeLater } from "../leaks.js";

/** Σ (δq − w)ᵀ H (δq − w), by its definition. */
function errorOf(
  weights: ArrayLike<number>,
  gram: ArrayLike<number>,
  columns: number,
  codes: ArrayLike<number>,
  delta: ArrayLike<number>,
): number {
  const rows = weights.length / columns;
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const off = Array.from({ length: columns }, (_, i) => {
      const at = row * columns + i;
      return delta[delta.length === 1 ? 0 : row] * codes[at] - weights[at];
    });
    for (let i = 0; i < columns; i++) for (let j = 0; j < columns; j++) sum += off[i] * gram[i * columns + j] * off[j];
  }
  return sum;
}

function problemOf(seed: number, rows: number, columns: number, bits: number, perRow: boolean) {
  const rng = new Rng(seed);
  const samples = 3 * columns;
  // Correlated, positive inputs: what follows a staircase.
  const mixing = Float64Array.from({ length: columns * columns }, () => rng.normal());
  const gram = new Float64Array(columns * columns);
  for (let s = 0; s < samples; s++) {
    const z = Array.from({ length: columns }, () => rng.normal());
    const x = z.map((_, i) =>
      Math.max(
        0,
        z.reduce((sum, value, j) => sum + value * mixing[i * columns + j], 0),
      ),
    );
    for (let i = 0; i < columns; i++) for (let j = 0; j < columns; j++) gram[i * columns + j] += x[i] * x[j];
  }
  const weights = Float32Array.from({ length: rows * columns }, () => rng.normal());
  const codes = new Int8Array(rows * columns);
  const rule = projectionFor(bits);
  const parts = perRow ? rows : 1;
  const length = weights.length / parts;
  const delta = Float32Array.from({ length: parts }, (_, r) =>
    rule.project(weights.subarray(r * length, (r + 1) * length), codes.subarray(r * length, (r + 1) * length)),
  );
  return { weights, gram, rows, columns, bits, codes, delta };
}

const problems = fc.record({
  seed: fc.nat(),
  rows: fc.integer({ min: 1, max: 4 }),
  columns: fc.integer({ min: 1, max: 12 }),
  bits: fc.constantFrom(1, 2, 3, 4, 8),
  perRow: fc.boolean(),
});

describe("comqLayer", () => {
  it("never raises the objective, stays in the level set, and says what it reached", () => {
    fc.assert(
      fc.property(problems, fc.constantFrom("greedy", "cyclic"), ({ seed, rows, columns, bits, perRow }, order) => {
        const problem = problemOf(seed, rows, columns, bits, perRow);
        const { codes, delta, objective } = comqLayer(problem, { sweeps: 5, order } as {
          sweeps: number;
          order: "greedy";
        });
        const scale = 1e-9 * (1 + objective[0]);
        const sweeps = objective.slice(0, -1);
        sweeps.forEach((value, i) => {
          if (i > 0) expect(value).toBeLessThanOrEqual(sweeps[i - 1] + scale);
        });
        const { weights, gram } = problem;
        expect(objective[0]).toBeCloseTo(errorOf(weights, gram, columns, problem.codes, problem.delta), 4);
        const reached = errorOf(weights, gram, columns, codes, delta);
        expect(Math.abs(objective[objective.length - 1] - reached)).toBeLessThan(1e-6 * (1 + reached));
        const top = topOfBits(bits);
        expect([...codes].every((code) => Math.abs(code) <= top && (bits > 1 || code !== 0))).toBe(true);
        // δ·q is exact in f32.
        for (const step of delta) expect(Math.fround(step * top)).toBe(step * top);
      }),
      { numRuns: 200 },
    );
  });

  it("leaves a clearly smaller error of the layer's output than rounding does", () => {
    for (const bits of [1, 2, 3, 4]) {
      let [rounded, found] = [0, 0];
      for (let seed = 0; seed < 20; seed++) {
        const { objective } = comqLayer(problemOf(seed, 6, 16, bits, true));
        rounded += objective[0];
        found += objective[objective.length - 1];
      }
      expect(found / rounded, `${bits} bits`).toBeLessThan(0.75);
    }
  });

  it("on tiny layers is at a point that no single code or scale improves, and near the best of all", () => {
    let [best, found, hits] = [0, 0, 0];
    const trials = 40;
    for (let seed = 0; seed < trials; seed++) {
      const columns = 2 + (seed % 4);
      const problem = problemOf(seed, 1, columns, 2, true);
      const { codes, delta, objective } = comqLayer(problem, { sweeps: 30 });
      const own = objective[objective.length - 1];
      const { weights, gram } = problem;
      for (let i = 0; i < columns; i++) {
        for (const code of [-1, 0, 1]) {
          const other = Int8Array.from(codes);
          other[i] = code;
          expect(errorOf(weights, gram, columns, other, delta)).toBeGreaterThanOrEqual(own * (1 - 1e-4));
        }
      }
      // All 3^columns codes, each with its best scale.
      let least = Number.POSITIVE_INFINITY;
      for (let n = 0; n < 3 ** columns; n++) {
        const q = Array.from({ length: columns }, (_, i) => (Math.floor(n / 3 ** i) % 3) - 1);
        let [across, along] = [0, 0];
        for (let i = 0; i < columns; i++) {
          for (let j = 0; j < columns; j++) {
            across += q[i] * gram[i * columns + j] * weights[j];
            along += q[i] * gram[i * columns + j] * q[j];
          }
        }
        const step = along > 0 ? Math.max(0, across / along) : 0;
        least = Math.min(least, errorOf(weights, gram, columns, q, [step]));
      }
      expect(own).toBeGreaterThanOrEqual(least * (1 - 1e-6));
      best += least;
      found += own;
      if (own <= least * 1.001) hits++;
    }
    expect(hits).toBeGreaterThan(trials / 2);
    expect(found / best).toBeLessThan(1.6);
  });

  it("refuses what does not fit", () => {
    const problem = problemOf(1, 2, 3, 4, true);
    expect(() => comqLayer(problem, { sweeps: 0 })).toThrow("comq: bad sweeps");
    expect(() => comqLayer({ ...problem, bits: 9 })).toThrow("an integer from 1 to 8");
    expect(() => comqLayer({ ...problem, gram: new Float64Array(8) })).toThrow("9 values, got 8");
    expect(() => comqLayer({ ...problem, codes: new Int8Array(5) })).toThrow("6 of each");
    expect(() => comqLayer({ ...problem, delta: new Float32Array(3) })).toThrow("1 or 2, got 3");
  });
});

describe("minMax and onGrid", () => {
  it("rounds to the grid whose ends are the largest magnitude", () => {
    const codes = new Int8Array(4);
    expect(minMax(4).project(Float32Array.of(0.7, -0.35, 0.26, 0.04), codes)).toBeCloseTo(0.1, 6);
    expect([...codes]).toEqual([7, -4, 3, 0]);
    expect(minMax(4).project(new Float32Array(4), codes)).toBe(0);
    expect(minMax(1).project(Float32Array.of(1, -3, 0, 0), codes)).toBe(1);
    expect(() => minMax(0)).toThrow("bad bits");
  });
  it("leaves weights on a grid where they are, and others to the rule", () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(1, 2, 3, 4, 8), (seed, bits) => {
        const rng = new Rng(seed);
        const top = topOfBits(bits);
        const delta = (1 + rng.int(60_000)) / 2 ** 20; // 16 bits
        const q = Int8Array.from({ length: 20 }, () => (bits === 1 ? 2 * rng.int(2) - 1 : rng.int(2 * top + 1) - top));
        if (q.every((code) => code === 0)) q[0] = 1;
        const codes = new Int8Array(20);
        const found = onGrid(projectionFor(bits)).project(
          Float32Array.from(q, (code) => code * delta),
          codes,
        );
        expect(Array.from(codes, (code) => code * found)).toEqual(Array.from(q, (code) => code * delta));
        const free = Float32Array.from({ length: 20 }, () => rng.normal());
        const wanted = new Int8Array(20);
        expect(onGrid(projectionFor(bits)).project(free, codes)).toBe(projectionFor(bits).project(free, wanted));
        expect(codes).toEqual(wanted);
      }),
    );
  });
});

/** Two convolutions and a linear layer for 28×28 images. */
function smallNet(): Sequential {
  const rng = new Rng(1);
  return new Sequential(
    new Conv2d(1, 6, 5, { rng }),
    new BatchNorm2d(6),
    new ReLU(),
    new MaxPool2d(2),
    new Conv2d(6, 12, 5, { rng }),
    new BatchNorm2d(12),
    new ReLU(),
    new MaxPool2d(2),
    new Flatten(),
    new Linear(192, 10, { rng }),
  );
}

describe("comq", () => {
  it("lowers every layer's error, keeps its codes through packing, and changes nothing else", async () => {
    const { train } = digits({ train: 64, test: 0 });
    const batches = [{ images: train.images, shape: [64, 28, 28, 1] }];
    for (const [weights, granularity] of [
      [1, "layer"],
      [4, "layer"],
      [2, "channel"],
    ] as const) {
      using net = prepare(smallNet(), { weights, activations: 4, granularity });
      await calibrate(net, batches, { batches: 1 });
      const layers = await comq(net, batches, { batches: 1, samples: 1024, sweeps: 2 });
      expect(layers.map(({ name }) => name)).toEqual(["0", "4", "9"]);
      for (const { name, before, after } of layers) expect(after, name).toBeLessThanOrEqual(before);
      expect(layers.some(({ before, after }) => after < 0.9 * before)).toBe(true);
      expect(Object.hasOwn(net.get("0"), "forward")).toBe(false);
      const { weight } = net.get("4") as QuantConv2d;
      const { codes, delta } = weight.quantized();
      const length = codes.size / delta.length;
      const exact = Array.from(codes.view(), (code, i) => code * delta[Math.floor(i / length)]);
      expect(Array.from(weight.data.view())).toEqual(exact);
      const found = await verify(net, pack(net, { inputShape: [28, 28, 1] }), {
        images: train.images.subarray(0, 784 * 8),
      });
      expect(found.identical).toBe(true);
    }
  });

  it("leaves out what a batch norm takes away, if told so and if one follows", async () => {
    const rng = new Rng(10);
    const images = Float32Array.from({ length: 40 * 6 }, (_, i) => 3 + (i % 6 === 2 ? rng.normal() : 0));
    const errorBefore = async (normalized: boolean, followed: boolean) => {
      const layer = new Linear(6, 3, { rng: new Rng(9) });
      using net = new Sequential(layer, followed ? new BatchNorm1d(3) : new ReLU());
      prepare(net, { weights: 2 });
      const [found] = await comq(net, [{ images, shape: [40, 6] }], { normalized });
      expect(found.after).toBeLessThanOrEqual(found.before);
      return found.before;
    };
    const plain = await errorBefore(false, true);
    // One column varies; all six have a mean of 3.
    expect(await errorBefore(true, true)).toBeLessThan(0.2 * plain);
    expect(await errorBefore(true, false)).toBe(plain);
  });

  it("keeps the direction of small rows behind a batch norm", async () => {
    const rng = new Rng(11);
    const images = Float32Array.from({ length: 200 * 8 }, () => rng.normal());
    const signs = Float32Array.from({ length: 16 }, () => rng.normal());
    // The second row is a hundredth of the first one: with the shared δ it would be best to cancel itself.
    const weights = signs.map((w, i) => (i < 8 ? w : w / 100));
    const agreement = async (normalized: boolean) => {
      using net = new Sequential(new Linear(8, 2), new BatchNorm1d(2));
      (net.get("0") as Linear).weight.data.view().set(weights);
      prepare(net, { weights: 1 });
      await comq(net, [{ images, shape: [200, 8] }], { normalized });
      const { codes } = (net.get("0") as QuantLinear).weight.quantized();
      const row = [...codes.view()].slice(8).map(Number);
      const dot = row.reduce((sum, code, i) => sum + code * signs[8 + i], 0);
      return dot / Math.hypot(...row) / Math.hypot(...signs.subarray(8));
    };
    expect(await agreement(true)).toBeGreaterThan(0.75);
    expect(await agreement(false)).toBeLessThan(0.5);
  });

  it("sees patches as the convolution does: strides, padding, groups", async () => {
    const rng = new Rng(7);
    using net = new Sequential(
      new Conv2d(4, 8, 3, { stride: 2, padding: 1, groups: 2, rng }),
      new ReLU(),
      new Flatten(),
      new Linear(8 * 9, 3, { rng }),
    );
    prepare(net, { weights: 3, activations: 4, granularity: "channel" });
    const images = Uint8Array.from({ length: 10 * 5 * 5 * 4 }, () => rng.int(256));
    const float = disposeLater(
      NDArray.from(net.get("0").parameters()[0].data.view() as Float32Array, [8, 2, 3, 3], "f32"),
    );
    const outputs = () => {
      const { weight } = net.get("0") as QuantConv2d;
      const { codes, delta } = weight.quantized();
      const [w, q] = [float.view(), codes.view()];
      let sum = 0;
      // ‖X W − X W_q‖² by the definition of a convolution.
      for (let n = 0; n < 10; n++)
        for (let p = 0; p < 3; p++)
          for (let r = 0; r < 3; r++)
            for (let o = 0; o < 8; o++) {
              let off = 0;
              for (let i = 0; i < 2; i++)
                for (let a = 0; a < 3; a++)
                  for (let b = 0; b < 3; b++) {
                    const [y, x] = [2 * p + a - 1, 2 * r + b - 1];
                    if (y < 0 || y > 4 || x < 0 || x > 4) continue;
                    const pixel = Math.fround(images[((n * 5 + y) * 5 + x) * 4 + 2 * Math.floor(o / 4) + i] / 255);
                    const at = ((o * 2 + i) * 3 + a) * 3 + b;
                    off += pixel * (delta[o] * q[at] - w[at]);
                  }
              sum += off * off;
            }
      return sum;
    };
    const start = outputs();
    const [layer] = await comq(net, [{ images, shape: [10, 5, 5, 4] }]);
    expect(layer.before / start).toBeCloseTo(1, 3);
    expect(layer.after / outputs()).toBeCloseTo(1, 3);
    expect(layer.after).toBeLessThan(layer.before);
  });
});
