/** @file Calibration of steps and batch-norm statistics, post-training quantization. */
import { describe, expect, it } from "vitest";
import { noGrad } from "../../src/autograd/graph.js";
import { Tensor } from "../../src/autograd/tensor.js";
import { ArgumentError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { scope } from "../../src/memory/scope.js";
import { lenet5 } from "../../src/models/index.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { BatchNorm1d, Dropout, Linear, type Module, ReLU, Sequential } from "../../src/nn/index.js";
import {
  type CalibrationBatch,
  calibrate,
  halfGaussianStep,
  leastSquaresStep,
  prepare,
  ptq,
  type Rounding,
  recalibrateBatchNorm,
  Staircase,
  staircaseCode,
} from "../../src/quant/index.js";
import { disposeLater } from "../leaks.js";

const SEED = 31;
const { fround } = Math;

const normals = (rng: Rng, n: number): Float32Array => {
  const out = new Float32Array(n);
  rng.fillNormal(out, 0, 1);
  return out;
};
const batches = (count: number, rows: number, columns: number): CalibrationBatch[] => {
  const rng = new Rng(SEED);
  return Array.from({ length: count }, () => ({ images: normals(rng, rows * columns), shape: [rows, columns] }));
};
/** A network that is one staircase. */
const single = (options: ConstructorParameters<typeof Staircase>[0]): Sequential =>
  disposeLater(new Sequential(new Staircase(options)));
const alphaOf = (net: Module, path = "0"): number => (net.get(path) as Staircase).alpha.item();

describe("least squares", () => {
  const error = (values: Float32Array, alpha: number, top: number, rounding: Rounding): number =>
    values.reduce((sum, x) => sum + (fround(alpha) * staircaseCode(x, fround(alpha), top, rounding) - x) ** 2, 0);

  it.each([1, 2, 3, 4, 8])("%i bits: better than every step of a fine grid", (bits) => {
    const rng = new Rng(SEED + bits);
    const values = normals(rng, 3000).map(Math.abs);
    const top = 2 ** bits - 1;
    for (const rounding of ["ceil", "nearest"] as const) {
      const alpha = leastSquaresStep(values, top, rounding);
      const own = error(values, alpha, top, rounding);
      for (let i = 1; i <= 200; i++) {
        const other = (i / 200) * (bits === 1 ? 2 : 1);
        expect(own, `step ${alpha} against ${other}`).toBeLessThanOrEqual(error(values, other, top, rounding) * 1.002);
      }
      expect(Math.abs(alpha / halfGaussianStep(bits, rounding) - 1), `step ${alpha}`).toBeLessThan(0.25);
    }
  });
  it("finds the exact grid that values lie on", () => {
    const values = Float32Array.from({ length: 500 }, (_, i) => 0.375 * (1 + (i % 15)));
    expect(leastSquaresStep(values, 15, "ceil")).toBeCloseTo(0.375, 6);
  });
});

describe("calibrate", () => {
  it("max: L·α is the largest value of all batches", async () => {
    const net = single({ bits: 4 });
    const list = batches(5, 10, 40);
    await calibrate(net, list, { method: "max" });
    const largest = Math.max(...list.map((batch) => Math.max(...(batch as { images: Float32Array }).images)));
    expect(alphaOf(net)).toBe(fround(largest / 15));
  });
  it("percentile: that share of the positive values does not saturate", async () => {
    const net = single({ bits: 2 });
    const list = batches(2, 50, 40);
    await calibrate(net, list, { method: "percentile", percentile: 90 });
    const positive = list
      .flatMap((batch) => [...(batch as { images: Float32Array }).images])
      .filter((value) => value > 0)
      .sort((a, b) => a - b);
    expect(alphaOf(net)).toBe(fround(positive[Math.ceil(0.9 * positive.length) - 1] / 3));
  });
  it("mse: the half-Gaussian optimum on normal pre-activations, within sampling error", async () => {
    for (const rounding of ["ceil", "nearest"] as const) {
      const net = single({ bits: 4, rounding, alpha: 1 });
      const report = await calibrate(net, batches(4, 200, 40));
      expect(Math.abs(alphaOf(net) / halfGaussianStep(4, rounding) - 1)).toBeLessThan(0.05);
      expect(report).toEqual([{ name: "0", before: 1, alpha: alphaOf(net) }]);
    }
  });
  it("takes lists, generators and async sources, no more than it was told, and is the same on every run", async () => {
    const list = batches(6, 30, 20);
    async function* stream() {
      for (const batch of list) yield await Promise.resolve(batch);
      throw new Error("read too far");
    }
    const results: number[] = [];
    for (const source of [list, list.values(), stream()]) {
      const net = single({ bits: 4 });
      await calibrate(net, source, { batches: 6, samples: 500 });
      results.push(alphaOf(net));
    }
    expect(new Set(results).size).toBe(1);
  });
  it("keeps α in its range, and where nothing is positive", async () => {
    const net = single({ bits: 4 });
    const scaled = (factor: number): CalibrationBatch[] => [
      { images: Float32Array.of(1, 2, 3).map((x) => x * factor), shape: [3] },
    ];
    // The default range gives way: steps of training do not cut what calibration found.
    await calibrate(net, scaled(1e6));
    expect(alphaOf(net)).toBeGreaterThan(1e4);
    const stairs = net.modules().find((module) => module instanceof Staircase) as Staircase;
    expect(stairs.alpha.constraint?.range?.[1]).toBeGreaterThanOrEqual(4 * alphaOf(net));
    stairs.alpha.constraint = { ...stairs.alpha.constraint, range: [1e-3, 5] };
    await calibrate(net, scaled(1e6));
    expect(alphaOf(net)).toBe(5);
    await calibrate(net, scaled(1e-6));
    expect(alphaOf(net)).toBe(fround(1e-3));
    const [{ before, alpha }] = await calibrate(net, scaled(-1));
    expect(alpha).toBe(before);
  });
  it("goes layer by layer: later layers see the quantized values of earlier ones", async () => {
    const net = disposeLater(
      new Sequential(new Staircase({ bits: 1, alpha: 3 }), new Staircase({ bits: 4, alpha: 3 })),
    );
    await calibrate(net, [{ images: Float32Array.of(1, 1, 1, 1), shape: [4] }], { method: "max" });
    expect(alphaOf(net, "0")).toBe(1);
    expect(alphaOf(net, "1")).toBe(fround(1 / 15));
  });
  it("puts modes and momenta back, uses no dropout, leaves gradients and tensors alone", async () => {
    const rng = new Rng(SEED);
    const net = disposeLater(
      new Sequential(
        new Linear(8, 16, { rng }),
        new BatchNorm1d(16, { momentum: 0.3 }),
        new ReLU(),
        new Dropout(0.9),
        new Linear(16, 2, { rng }),
      ),
    );
    prepare(net, { weights: 1, activations: 4 });
    net[0].eval();
    const x = disposeLater(new Tensor(NDArray.from(normals(rng, 80), [10, 8], "f32")));
    const draws = [...net.namedRngs()].map(([, stream]) => stream.state());
    await calibrate(net, [x]);
    expect(net.modules().map((module) => module.training)).toEqual([true, false, true, true, true, true]);
    expect((net[1] as BatchNorm1d).momentum).toBe(0.3);
    expect([...net.namedRngs()].map(([, stream]) => stream.state())).toEqual(draws);
    expect(net.parameters().every((parameter) => parameter.gradient === null)).toBe(true);
    expect(x.data.alive).toBe(true);
  });
  it.each([
    [{ method: "median" as "mse" }, 'calibrate: unknown method; expected mse, max or percentile, got "median"'],
    [
      { method: "percentile" as const, percentile: 0 },
      "calibrate: bad percentile; expected a number in (0, 100], got 0",
    ],
    [{ batches: 0 }, "calibrate: bad batches; expected an integer ≥ 1, got 0"],
    [{ samples: 0.5 }, "calibrate: bad samples; expected an integer ≥ 1, got 0.5"],
  ])("refuses bad options %#", async (options, message) => {
    const net = single({ bits: 4 });
    await expect(calibrate(net, batches(1, 2, 2), options)).rejects.toThrow(message);
    await expect(calibrate(net, [], {})).rejects.toThrow(ArgumentError);
  });
  it("ends observing even if the forward pass fails", async () => {
    const net = single({ bits: 4 });
    const broken: CalibrationBatch = { images: new Float32Array(3), shape: [4] };
    await expect(calibrate(net, [broken])).rejects.toThrow();
    const alpha = alphaOf(net);
    scope(() => {
      net.forward(new Tensor(NDArray.full([4], 7)));
    });
    expect(alphaOf(net)).toBe(alpha);
  });
});

describe("batch-norm statistics", () => {
  const make = (): Sequential => {
    const rng = new Rng(SEED);
    const net = disposeLater(new Sequential(new Linear(6, 4, { bias: false, rng }), new BatchNorm1d(4), new ReLU()));
    return prepare(net, { weights: 1, activations: 4 });
  };
  /** Means and unbiased variances of the quantized layer's outputs, averaged over the batches. */
  function expected(net: Sequential, list: CalibrationBatch[]): { mean: number[]; variance: number[] } {
    const mean = [0, 0, 0, 0];
    const variance = [0, 0, 0, 0];
    for (const batch of list) {
      const { images, shape } = batch as { images: Float32Array; shape: number[] };
      const y = scope(() =>
        noGrad(() => net[0].forward(new Tensor(NDArray.from(images, shape, "f32"))).toTypedArray()),
      );
      for (let c = 0; c < 4; c++) {
        const column = [...y].filter((_, i) => i % 4 === c);
        const m = column.reduce((a, b) => a + b, 0) / column.length;
        mean[c] += m / list.length;
        variance[c] += column.reduce((sum, value) => sum + (value - m) ** 2, 0) / (column.length - 1) / list.length;
      }
    }
    return { mean, variance };
  }
  const check = (net: Sequential, list: CalibrationBatch[]): void => {
    const { mean, variance } = expected(net, list);
    const norm = net[1] as BatchNorm1d;
    norm.runningMean.data.toTypedArray().forEach((value, c) => {
      expect(value).toBeCloseTo(mean[c], 5);
    });
    norm.runningVar.data.toTypedArray().forEach((value, c) => {
      expect(value).toBeCloseTo(variance[c], 5);
    });
  };
  it("are those of the quantized network, averaged over the batches", async () => {
    const net = make();
    const list = batches(3, 40, 6);
    await recalibrateBatchNorm(net, list);
    check(net, list);
    const other = make();
    await calibrate(other, list);
    check(other, list);
  });
  it("that are not finite are refused, and the old ones stay", async () => {
    const net = make();
    net.parameters()[0].set(new Float32Array(net.parameters()[0].size).fill(1e30));
    const running = recalibrateBatchNorm(net, batches(2, 40, 6));
    await expect(running).rejects.toThrow(/recalibrateBatchNorm: statistics left .* in 1\.running_/);
    expect([...(net[1] as BatchNorm1d).runningMean.data.toTypedArray()]).toEqual([0, 0, 0, 0]);
  });
  it("stay if they are not wanted", async () => {
    const net = make();
    await calibrate(net, batches(3, 40, 6), { recalibrateBatchNorm: false });
    expect([...(net[1] as BatchNorm1d).runningMean.data.toTypedArray()]).toEqual([0, 0, 0, 0]);
  });
});

describe("ptq", () => {
  it("is prepare and calibrate, on images as a loader gives them", async () => {
    const rng = new Rng(SEED);
    const list = Array.from({ length: 2 }, () => ({
      images: Uint8Array.from({ length: 16 * 784 }, () => rng.int(256)),
      shape: [16, 28, 28, 1],
    }));
    const make = (): Module => disposeLater(lenet5({ rng: new Rng(7) }));
    const policy = { weights: 4, activations: 8, granularity: "channel" as const };
    const net = make();
    expect(await ptq(net, list, policy)).toBe(net);
    const twin = prepare(make(), policy);
    await calibrate(twin, list);
    for (const [key, array] of net.stateDict()) {
      expect([...array.toTypedArray()]).toEqual([...(twin.stateDict().get(key) as NDArray).toTypedArray()]);
    }
    // 4-bit weights and 8-bit activations stay near the float network.
    const float = make();
    await recalibrateBatchNorm(float, list);
    const logits = (model: Module): Float32Array =>
      scope(() => {
        model.eval();
        const { images, shape } = list[0];
        return noGrad(
          () =>
            model
              .forward(new Tensor(NDArray.from(images, shape, "u8", fround(1 / 255))))
              .toTypedArray() as Float32Array,
        );
      });
    const [a, b] = [logits(net), logits(float)];
    let [error, norm] = [0, 0];
    a.forEach((value, i) => {
      error += (value - b[i]) ** 2;
      norm += b[i] ** 2;
    });
    expect(error / norm).toBeLessThan(0.1);
  });
});
