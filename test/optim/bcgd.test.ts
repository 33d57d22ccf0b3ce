/** @file BCGD: blending, its limits ρ = 0 and ρ = 1, sufficient descent, BinaryRelax, state. */
import { describe, expect, it } from "vitest";
import { Tensor } from "../../src/autograd/tensor.js";
import { ArgumentError, QuantError, StateError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { memory } from "../../src/kernels/index.js";
import { scope } from "../../src/memory/scope.js";
import { lenet5 } from "../../src/models/index.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { crossEntropy, type Module, Parameter } from "../../src/nn/index.js";
import { Adam } from "../../src/optim/adam.js";
import { BCGD, type BCGDOptions, BinaryConnect, BinaryRelax } from "../../src/optim/bcgd.js";
import { SGD } from "../../src/optim/sgd.js";
import type { OptimizerLike } from "../../src/optim/types.js";
import {
  binary,
  type Granularity,
  type Projection,
  prepare,
  QuantParameter,
  ternary,
  uniform,
} from "../../src/quant/index.js";
import { disposeLater } from "../leaks.js";

const SEED = 1808;
const { fround } = Math;

function latent(
  values: ArrayLike<number>,
  shape: number[],
  projection: Projection,
  granularity: Granularity = "layer",
) {
  const data = NDArray.from(values, shape, "f32");
  return disposeLater(new QuantParameter(data, { projection, granularity }));
}
function give(parameter: Parameter, gradient: ArrayLike<number>): void {
  parameter.zeroGrad();
  parameter.gradient = NDArray.from(gradient, parameter.shape, "f32");
}
const draw = (rng: Rng, n: number): number[] => Array.from({ length: n }, () => fround(rng.normal()));

/** Parameters' values after steps with gradients that depend on them. */
function trajectory(
  make: (p: Parameter[]) => OptimizerLike,
  steps: number,
  before: (optimizer: OptimizerLike, step: number) => void = () => {},
): number[][] {
  const rng = new Rng(SEED);
  const w = latent(draw(rng, 24), [4, 6], binary(), "channel");
  const alpha = disposeLater(
    new Parameter(NDArray.full([], 0.2), { constraint: { lrScale: 0.01, gradClip: [-1, 1], range: [1e-3, 5] } }),
  );
  const bias = disposeLater(new Parameter(NDArray.from(draw(rng, 4), [4], "f32")));
  const optimizer = make([w, alpha, bias]);
  for (let t = 0; t < steps; t++) {
    for (const parameter of [w, alpha, bias]) {
      const now = parameter.toTypedArray();
      give(
        parameter,
        Array.from(now, (value, i) => Math.sin(3 * value + i) + 0.1 * value),
      );
    }
    before(optimizer, t);
    optimizer.step();
  }
  optimizer.dispose();
  return [w, alpha, bias].map((parameter) => [...parameter.toTypedArray()]);
}

describe("blending", () => {
  it.each(["layer", "channel"] as const)("w_f ← (1 − ρ)w_f + ρw, then the step, per %s", (granularity) => {
    for (const rule of [binary(), ternary(), uniform({ bits: 4 })]) {
      const rng = new Rng(SEED);
      const values = draw(rng, 3 * 25);
      const gradient = draw(rng, 75);
      const w = latent(values, [3, 1, 5, 5], rule, granularity);
      const { codes, delta } = w.quantized();
      const q = codes.toTypedArray();
      const steps = [...delta];
      const [rho, lr, decay] = [0.25, 0.5, 0.125];
      const optimizer = disposeLater(new BCGD([w], { lr, weightDecay: decay, rho }));
      give(w, gradient);
      optimizer.step();
      const expected = values.map((value, i) => {
        const step = steps[granularity === "layer" ? 0 : Math.floor(i / 25)];
        const blended = fround(fround(0.75 * value) + fround(rho * fround(step * q[i])));
        const g = fround(gradient[i] + fround(decay * blended));
        return fround(blended - fround(lr * g));
      });
      expect([...w.toTypedArray()]).toEqual(expected);
    }
  });
  it("ρ = 1 is projected coarse gradient descent", () => {
    const w = latent([1, -2, 3, 0], [4], binary());
    const optimizer = disposeLater(new BCGD([w], { lr: 0.5, rho: 1 }));
    give(w, [1, 1, 1, 1]);
    optimizer.step();
    expect([...w.toTypedArray()]).toEqual([1, -2, 1, 1]);
  });
  it("default ρ = 1e-5; only quantized weights with a gradient are blended", () => {
    const quantized = latent([1, -3], [2], binary());
    const idle = latent([1, -3], [2], binary());
    const frozen = latent([1, -3], [2], binary());
    const plain = disposeLater(new Parameter(NDArray.from([1, -3], [2], "f32")));
    frozen.requireGrad(false);
    const optimizer = disposeLater(new BCGD([quantized, idle, frozen, plain], { lr: 0 }));
    expect(optimizer.rho).toBe(1e-5);
    for (const parameter of [quantized, frozen, plain]) give(parameter, [1, 1]);
    optimizer.step();
    const [keep, take] = [fround(1 - 1e-5), fround(1e-5)];
    expect([...quantized.toTypedArray()]).toEqual([
      fround(fround(keep * 1) + fround(take * 2)),
      fround(fround(keep * -3) + fround(take * -2)),
    ]);
    for (const parameter of [idle, frozen, plain]) expect([...parameter.toTypedArray()]).toEqual([1, -3]);
  });
  it("re-projects after the step, once", () => {
    const w = latent([0.5, -2], [2], binary());
    const optimizer = disposeLater(new BCGD([w], { lr: 1 }));
    w.quantized();
    give(w, [1, 0]);
    optimizer.step();
    expect([...w.quantized().codes.toTypedArray()]).toEqual([-1, -1]);
    expect(w.flips).toBe(1);
    expect(w.flipTotals.projections).toBe(1);
  });
  it("a weight that is not finite is named", () => {
    const w = latent([1, Number.NaN], [2], binary());
    w.name = "conv1.weight";
    const optimizer = disposeLater(new BCGD([w], { lr: 1 }));
    give(w, [0, 0]);
    expect(() => optimizer.step()).toThrow(QuantError);
    expect(() => optimizer.step()).toThrow("conv1.weight");
  });
});

describe("ρ = 0", () => {
  it("is the base optimizer bit for bit", () => {
    const options = { lr: 0.05, momentum: 0.9, weightDecay: 1e-2 };
    const plain = trajectory((p) => new SGD(p, options), 40);
    expect(trajectory((p) => new BCGD(p, { ...options, rho: 0 }), 40)).toEqual(plain);
    expect(trajectory((p) => new BinaryConnect(p, options), 40)).toEqual(plain);
    expect(trajectory((p) => new BCGD(p, { ...options, rho: 1e-3 }), 40)).not.toEqual(plain);
  });
  it("over Adam too", () => {
    const plain = trajectory((p) => new Adam(p, { lr: 0.01 }), 20);
    expect(trajectory((p) => new BCGD(p, { rho: 0, base: (q) => new Adam(q, { lr: 0.01 }) }), 20)).toEqual(plain);
    expect(trajectory((p) => new BinaryConnect(p, { base: (q) => new Adam(q, { lr: 0.01 }) }), 20)).toEqual(plain);
  });
});

describe("a schedule of ρ", () => {
  const options = { lr: 0.05, momentum: 0.9 };
  const factors = [0.25, 1, 0.5, 0.125, 0, 0.75];
  const fall = (optimizer: OptimizerLike, step: number): void => {
    optimizer.lrFactor = factors[step % factors.length];
  };
  it.each([
    ["SGD", options],
    ["Adam", { base: (q: never) => new Adam(q, { lr: 0.01 }) }],
  ])("lr: each step blends by ρ times the factor of the rate, over %s", (_, base) => {
    const scheduled = trajectory((p) => new BCGD(p, { ...base, rho: 0.5, rhoSchedule: "lr" } as never), 12, fall);
    const byHand = trajectory(
      (p) => new BCGD(p, base as never),
      12,
      (optimizer, step) => {
        fall(optimizer, step);
        (optimizer as BCGD).rho = 0.5 * optimizer.lrFactor;
      },
    );
    expect(scheduled).toEqual(byHand);
    const constant = { ...base, rho: 0.5 };
    expect(trajectory((p) => new BCGD(p, constant as never), 12, fall)).not.toEqual(scheduled);
    expect(trajectory((p) => new BCGD(p, { ...constant, rhoSchedule: "constant" } as never), 12, fall)).toEqual(
      trajectory((p) => new BCGD(p, constant as never), 12, fall),
    );
  });
  it("never blends by more than all, nor by less than nothing", () => {
    const w = latent([1, -2, 3, 0], [4], binary());
    const optimizer = disposeLater(new BCGD([w], { lr: 0, rho: 0.5, rhoSchedule: "lr" }));
    expect(optimizer.rhoSchedule).toBe("lr");
    give(w, [1, 1, 1, 1]);
    optimizer.lrFactor = -3;
    optimizer.step();
    expect([...w.toTypedArray()]).toEqual([1, -2, 3, 0]);
    optimizer.lrFactor = 7;
    optimizer.step();
    expect([...w.toTypedArray()]).toEqual([1.5, -1.5, 1.5, 1.5]);
    expect(optimizer.rho).toBe(0.5);
  });
});

/** f(w) = ½‖Aw − b‖² in f64, with the Lipschitz constant of its gradient bounded by ‖A‖²_F. */
function leastSquares(rng: Rng, n: number) {
  const rows = 1 + rng.int(2 * n);
  const A = Array.from({ length: rows }, () => Array.from({ length: n }, () => rng.normal()));
  const b = Array.from({ length: rows }, () => 2 * rng.normal());
  const residual = (w: ArrayLike<number>) => A.map((row, k) => row.reduce((sum, a, i) => sum + a * w[i], -b[k]));
  return {
    L: A.flat().reduce((sum, a) => sum + a * a, 0),
    f: (w: ArrayLike<number>) => residual(w).reduce((sum, r) => sum + (r * r) / 2, 0),
    gradient: (w: ArrayLike<number>) => {
      const r = residual(w);
      return Array.from({ length: n }, (_, i) => A.reduce((sum, row, k) => sum + row[i] * r[k], 0));
    },
  };
}

describe("sufficient descent", () => {
  const rules: [string, Projection][] = [
    ["binary", binary()],
    ["ternary", ternary()],
  ];
  const weightsOf = ({ codes, delta }: { codes: ArrayLike<number>; delta: number }): number[] =>
    Array.from(codes, (code) => code * delta);

  it.each(rules)("f(w⁺) ≤ f(w) − ½(ρ/η − L)‖w⁺ − w‖², %s, in f64", (_, rule) => {
    let moved = 0;
    for (let trial = 0; trial < 60; trial++) {
      const rng = new Rng(SEED + trial);
      const n = 1 + rng.int(12);
      const { L, f, gradient } = leastSquares(rng, n);
      const rho = rng.range(0.01, 1);
      const eta = (rho / L) * rng.range(0.1, 1);
      let float = Float64Array.from({ length: n }, () => rng.normal());
      const projected = (): number[] => {
        const codes = new Int8Array(n);
        const delta = rule.project(Float32Array.from(float), codes);
        return weightsOf({ codes, delta });
      };
      let w = projected();
      for (let t = 0; t < 25; t++) {
        const g = gradient(w);
        float = float.map((value, i) => (1 - rho) * value + rho * w[i] - eta * g[i]);
        const next = projected();
        const step = next.reduce((sum, value, i) => sum + (value - w[i]) ** 2, 0);
        const bound = f(w) - 0.5 * (rho / eta - L) * step;
        // The projection sees f32 weights: its optimality holds up to their rounding.
        const slack = 1e-5 * (1 + f(w) + (rho / eta) * (1 + float.reduce((sum, x) => sum + x * x, 0)));
        expect(f(next), `seed ${SEED + trial}, step ${t}`).toBeLessThanOrEqual(bound + slack);
        if (step > 0) moved++;
        w = next;
      }
    }
    expect(moved).toBeGreaterThan(200);
  });

  it.each(rules)("through the optimizer itself the loss never rises, %s", (_, rule) => {
    let fell = 0;
    for (let trial = 0; trial < 20; trial++) {
      const rng = new Rng(SEED + 900 + trial);
      const n = 2 + rng.int(10);
      const { L, f, gradient } = leastSquares(rng, n);
      const w = latent(draw(rng, n), [n], rule);
      const rho = rng.range(0.05, 0.5);
      const optimizer = disposeLater(new BCGD([w], { lr: (0.9 * rho) / L, rho }));
      const current = (): number[] => {
        const { codes, delta } = w.quantized();
        return weightsOf({ codes: codes.toTypedArray(), delta: delta[0] });
      };
      for (let t = 0; t < 40; t++) {
        const before = f(current());
        give(w, gradient(current()));
        optimizer.step();
        const after = f(current());
        expect(after, `seed ${SEED + 900 + trial}, step ${t}`).toBeLessThanOrEqual(before + 1e-4 * (1 + before));
        if (after < before) fell++;
      }
    }
    expect(fell).toBeGreaterThan(100);
  });

  it("ρ = 0 guarantees nothing: some step rises by far more than rounding", () => {
    let rises = 0;
    for (let trial = 0; trial < 20; trial++) {
      const rng = new Rng(SEED + 900 + trial);
      const n = 2 + rng.int(10);
      const { L, f, gradient } = leastSquares(rng, n);
      const w = latent(draw(rng, n), [n], binary());
      const optimizer = disposeLater(new BinaryConnect([w], { lr: 0.5 / L }));
      const current = (): number[] => {
        const { codes, delta } = w.quantized();
        return weightsOf({ codes: codes.toTypedArray(), delta: delta[0] });
      };
      for (let t = 0; t < 40; t++) {
        const before = f(current());
        give(w, gradient(current()));
        optimizer.step();
        if (f(current()) > before + 1e-2 * (1 + before)) rises++;
      }
    }
    expect(rises).toBeGreaterThan(0);
  });
});

describe("BinaryRelax", () => {
  const schedule = { eta: 2, growth: 1.5, growEvery: 2, exactFrom: 5 };
  it("grows η, then quantizes exactly", () => {
    const w = latent([1, -2], [2], binary());
    const plain = disposeLater(new Parameter(NDArray.full([1], 1)));
    const optimizer = disposeLater(new BinaryRelax([w, plain], { lr: 0.1 }, schedule));
    const seen: (number | null)[] = [w.relax];
    for (let t = 0; t < 6; t++) {
      give(w, [0.1, 0.1]);
      optimizer.step();
      seen.push(w.relax);
      expect(optimizer.eta).toBe(w.relax);
    }
    expect(seen).toEqual([2, 2, 3, 3, 4.5, null, null]);
  });
  it("resumes", () => {
    const run = (steps: number, from?: BinaryRelax): { w: QuantParameter; optimizer: BinaryRelax } => {
      const w = latent([1, -2], [2], binary());
      const optimizer = disposeLater(new BinaryRelax([w], { lr: 0.1, momentum: 0.9 }, schedule));
      if (from !== undefined) {
        w.set(from.parameters()[0].data);
        optimizer.loadStateDict(from.stateDict());
      }
      for (let t = 0; t < steps; t++) {
        give(w, [0.3, w.relax ?? 0]);
        optimizer.step();
      }
      return { w, optimizer };
    };
    const whole = run(6);
    const resumed = run(3, run(3).optimizer);
    expect(resumed.w.relax).toBe(whole.w.relax);
    expect([...resumed.w.toTypedArray()]).toEqual([...whole.w.toTypedArray()]);
    expect(run(1, run(3).optimizer).w.relax).toBe(4.5);
  });
  it("lets go of the relaxation when disposed of", () => {
    const w = latent([1, -2], [2], binary());
    const optimizer = new BinaryRelax([w], { lr: 0.1 }, schedule);
    expect(w.relax).toBe(2);
    optimizer.dispose();
    expect(w.relax).toBeNull();
  });
});

describe("as an optimizer", () => {
  it("passes rates and groups through", () => {
    const a = latent([1, -2], [2], binary());
    const b = disposeLater(new Parameter(NDArray.full([1], 1)));
    const optimizer = disposeLater(
      new BCGD([{ parameters: [a] }, { parameters: [b], lr: 0.5, weightDecay: 0 }], { lr: 0.25, rho: 0 }),
    );
    expect([optimizer.lr, optimizer.lrFactor, optimizer.parameters()]).toEqual([0.25, 1, [a, b]]);
    optimizer.lrFactor = 0.5;
    give(b, [1]);
    optimizer.step();
    expect(b.toTypedArray()[0]).toBe(0.75);
    optimizer.lr = 1;
    expect((optimizer.base as SGD).groups.map(({ options }) => options.lr)).toEqual([1, 1]);
    optimizer.zeroGrad();
    expect(b.gradient).toBeNull();
  });
  it("state goes through, with ρ, and is refused whole", () => {
    const make = () => disposeLater(new BCGD([latent([1, -2], [2], binary())], { lr: 0.1, momentum: 0.9, rho: 0.5 }));
    const first = make();
    give(first.parameters()[0], [1, 2]);
    first.step();
    const state = first.stateDict();
    expect(state.values).toMatchObject({ rho: 0.5, lrFactor: 1, "group.0.lr": 0.1 });
    const second = make();
    second.rho = 0.25;
    second.loadStateDict(state);
    expect(second.rho).toBe(0.5);
    expect([...(second.stateDict().arrays.get("0.velocity") as NDArray).view()]).toEqual([
      ...(state.arrays.get("0.velocity") as NDArray).view(),
    ]);
    second.rho = 0.25;
    const bad = { arrays: new Map([["7.velocity", { shape: [2], data: new Float32Array(2) }]]), values: { rho: 0.75 } };
    expect(() => second.loadStateDict(bad)).toThrow(StateError);
    expect(second.rho).toBe(0.25);
  });
  it.each([
    [{ lr: 1, rho: -1e-9 }, "BCGD: bad rho; expected a number in [0, 1], got -1e-9"],
    [{ lr: 1, rho: 1.5 }, "BCGD: bad rho"],
    [{ lr: 1, rhoSchedule: "cosine" }, 'BCGD: bad rhoSchedule; expected constant or lr, got "cosine"'],
    [{ lr: 1, rho: Number.NaN }, "BCGD: bad rho"],
    [{ lr: -1 }, "SGD: bad lr"],
    [
      { lr: 1, base: (p: Iterable<Parameter>) => new SGD(p, { lr: 1 }) },
      "BCGD: options beside a base optimizer; expected base, rho and rhoSchedule alone, got lr; give them to the base optimizer",
    ],
  ])("refuses bad options %#", (options, message) => {
    const w = latent([1], [1], binary());
    expect(() => new BCGD([w], options as BCGDOptions)).toThrow(ArgumentError);
    expect(() => new BCGD([w], options as BCGDOptions)).toThrow(message);
  });
  it("is refused by what does not blend", () => {
    const w = latent([1], [1], binary());
    for (const blend of [{ rho: 0 }, { rhoSchedule: "lr" }]) {
      expect(() => new BinaryConnect([w], { lr: 1, ...blend } as BCGDOptions)).toThrow(
        /^BinaryConnect: bad rho.*no rho/,
      );
    }
  });
  it.each([{ eta: -1 }, { growth: 0.5 }, { growEvery: 0 }, { exactFrom: -1 }])("BinaryRelax refuses %o", (bad) => {
    const w = latent([1], [1], binary());
    const schedule = { growEvery: 1, exactFrom: 1, ...bad };
    expect(() => new BinaryRelax([w], { lr: 1 }, schedule)).toThrow(ArgumentError);
    expect(w.relax).toBeNull();
  });
});

describe("a quantized network", () => {
  it("learns, is the same on every run, and keeps its memory constant", () => {
    const train = (): { losses: number[]; bits: string; net: Module } => {
      const rng = new Rng(SEED);
      const net = disposeLater(lenet5({ rng, size: 16 }));
      prepare(net, { weights: 1, activations: 4 });
      const optimizer = disposeLater(new BCGD(net.parameters(), { lr: 0.05, momentum: 0.9, weightDecay: 1e-4 }));
      // Four prototypes with noise.
      const prototypes = Array.from({ length: 4 }, () => Array.from({ length: 256 }, () => rng.int(256)));
      const losses: number[] = [];
      const live: string[] = [];
      for (let t = 0; t < 30; t++) {
        const labels = Int32Array.from({ length: 16 }, () => rng.int(4));
        const pixels = Uint8Array.from({ length: 16 * 256 }, (_, i) =>
          Math.min(255, Math.max(0, prototypes[labels[i >> 8]][i & 255] + rng.int(81) - 40)),
        );
        scope(() => {
          optimizer.zeroGrad();
          const x = new Tensor(NDArray.from(pixels, [16, 16, 16, 1], "u8", fround(1 / 255)));
          const loss = crossEntropy(net.forward(x), new Tensor(NDArray.from(labels, [16], "i32")));
          loss.backward();
          optimizer.step();
          losses.push(loss.item());
        });
        live.push(`${memory().arrays} ${memory().bytes}`);
      }
      expect(live[29]).toBe(live[9]);
      const bits = [...net.stateDict().values()].map((array) => [...array.toTypedArray()].join()).join(";");
      return { losses, bits, net };
    };
    const first = train();
    expect(first.losses[0]).toBeGreaterThan(1.5);
    expect(Math.max(...first.losses.slice(-5))).toBeLessThan(0.3);
    const second = train();
    expect(second.bits === first.bits).toBe(true);
  });
});
