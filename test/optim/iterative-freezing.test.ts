/** @file Iterative freezing: which codes are frozen, that they stay, and that a saved state goes on alike. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArgumentError, QuantError, StateError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { Parameter } from "../../src/nn/index.js";
import { Adam } from "../../src/optim/adam.js";
import { BCGD, BinaryRelax } from "../../src/optim/bcgd.js";
import { type FreezingOptions, IterativeFreezing } from "../../src/optim/iterative-freezing.js";
import { SGD } from "../../src/optim/sgd.js";
import { binary, onGrid, type Projection, QuantParameter, ternary, uniform } from "../../src/quant/index.js";
import { disposeLater } from "../leaks.js";

const { fround } = Math;
const RULES: readonly Projection[] = [
  binary(),
  ternary(),
  uniform({ bits: 3 }),
  uniform({ bits: 4 }),
  onGrid(uniform({ bits: 4 })),
];

function weights(values: readonly number[], projection: Projection, shape = [values.length]): QuantParameter {
  return disposeLater(new QuantParameter(NDArray.from(values, shape, "f32"), { projection }));
}
function give(parameter: Parameter, gradient: readonly number[]): void {
  parameter.zeroGrad();
  parameter.gradient = NDArray.from(gradient, parameter.shape, "f32");
}
const codesOf = (parameter: QuantParameter): number[] => [...parameter.quantized().codes.toTypedArray()];
const frozen = (parameter: QuantParameter, options: FreezingOptions, lr = 1): IterativeFreezing =>
  disposeLater(new IterativeFreezing(new SGD([parameter], { lr }), options));

/** Running means and freezing as the paper has them, in plain numbers. */
class Expected {
  readonly frequency: number[];
  readonly mean: number[];
  readonly frozen: (number | null)[];
  #last: number[];
  #direction: number[];
  constructor(codes: readonly number[]) {
    this.#last = [...codes];
    this.mean = [...codes];
    this.frequency = codes.map(() => 0);
    this.#direction = codes.map(() => 0);
    this.frozen = codes.map(() => null);
  }
  look(codes: readonly number[], m: number, threshold: number, bits: number): void {
    codes.forEach((code, i) => {
      if (this.frozen[i] !== null) return;
      const change = Math.sign(code - this.#last[i]);
      const turned = change !== 0 && change === -this.#direction[i];
      if (change !== 0) this.#direction[i] = change;
      this.#last[i] = code;
      this.frequency[i] = fround(this.frequency[i] + m * (Number(turned) - this.frequency[i]));
      this.mean[i] = fround(this.mean[i] + m * (code - this.mean[i]));
      if (this.frequency[i] > threshold)
        this.frozen[i] = bits === 1 ? Math.sign(this.mean[i]) : Math.round(this.mean[i]);
    });
  }
}

describe("iterative freezing", () => {
  it("freezes the code that a weight had more often, and no other weight", () => {
    const w = weights([0.1, 3, -3, 3], binary());
    const optimizer = frozen(w, { threshold: 0.3, momentum: 0.25 });
    // The first weight is −0.1 in one step of three.
    const seen: number[] = [];
    for (let t = 0; t < 20; t++) {
      seen.push(codesOf(w)[0]);
      give(w, [t % 3 === 1 ? 0.2 : t % 3 === 2 ? -0.2 : 0, 0.01, 0, 0]);
      optimizer.step();
    }
    expect(seen.slice(0, 6)).toEqual([1, 1, -1, 1, 1, -1]);
    expect(seen.slice(12)).toEqual(Array(8).fill(1));
    expect(w.frozen).toBe(1);
    expect(optimizer.frozenShare).toBe(0.25);
    expect(w.toTypedArray()[1]).toBeLessThan(2.81);
  });

  it("has the paper's running means, and frozen codes stay whatever the gradients (property)", () => {
    fc.assert(
      fc.property(fc.constantFrom(...RULES), fc.integer({ min: 1, max: 1e6 }), (rule, seed) => {
        const rng = new Rng(seed);
        const draw = (): number[] => Array.from({ length: 24 }, () => fround(rng.normal()));
        const w = weights(draw(), rule, [4, 6]);
        const optimizer = frozen(w, { threshold: 0.1, momentum: 0.1 }, 0.4);
        let expected: Expected | null = null;
        for (let t = 0; t < 60; t++) {
          const codes = codesOf(w);
          if (expected === null) expected = new Expected(codes);
          else expected.look(codes, 0.1, 0.1, rule.bits);
          give(w, draw());
          optimizer.step();
          const now = expected.frozen;
          expect(w.frozen).toBe(now.filter((code) => code !== null).length);
          const { arrays } = optimizer.stateDict();
          expect([...(arrays.get("0.freeze.frequency") as { data: Float32Array }).data]).toEqual(expected.frequency);
          expect([...(arrays.get("0.freeze.mean") as { data: Float32Array }).data]).toEqual(expected.mean);
          // Signs have no scale that could move: not one frozen code strays, whatever the steps.
          if (rule.bits === 1) {
            const next = codesOf(w);
            now.forEach((code, i) => {
              if (code !== null) expect(next[i]).toBe(code);
            });
          }
        }
        expect(w.frozen).toBeGreaterThan(0);
      }),
      { numRuns: 30 },
    );
  });

  it.each(RULES.map((rule) => [rule.name, rule] as const))(
    "keeps frozen codes where steps are small: %s",
    (_, rule) => {
      const rng = new Rng(1808);
      const values = Array.from({ length: 600 }, () => fround(rng.normal()));
      const w = weights(values, rule);
      const optimizer = frozen(w, { threshold: 0.04, momentum: 0.05 }, 0.02);
      const isFrozen = (): boolean[] =>
        Array.from(
          (optimizer.stateDict().arrays.get("0.freeze.codes") as { data: Float32Array }).data,
          (n) => n >= 1024,
        );
      let [kept, strayed] = [0, 0];
      for (let t = 0; t < 300; t++) {
        const before = codesOf(w);
        give(
          w,
          values.map(() => fround(rng.normal())),
        );
        optimizer.step();
        if (t === 0) continue;
        const after = codesOf(w);
        isFrozen().forEach((held, i) => {
          if (!held) return;
          kept++;
          if (after[i] !== before[i]) strayed++;
        });
      }
      expect(w.frozen).toBeGreaterThan(5);
      // Each may change once, when it is frozen in the code that it had more often.
      expect(kept).toBeGreaterThan(20 * w.frozen);
      expect(strayed).toBeLessThanOrEqual(w.frozen);
    },
  );

  it("is the base optimizer before fromStep, and where nothing turns back", () => {
    const run = (make: (p: Parameter[]) => BCGD | IterativeFreezing): number[] => {
      const w = weights([0.4, -1, 2, 0.3], binary());
      const optimizer = disposeLater(make([w]));
      for (let t = 0; t < 10; t++) {
        give(w, [t % 2 ? -2 : 2, 0.1, 0.1, 0.1]);
        optimizer.step();
      }
      return [...w.toTypedArray()];
    };
    const bcgd = (p: Parameter[]): BCGD => new BCGD(p, { lr: 0.5, rho: 1e-3 });
    const plain = run(bcgd);
    expect(run((p) => new IterativeFreezing(bcgd(p), { threshold: 0, fromStep: 10 }))).toEqual(plain);
    expect(run((p) => new IterativeFreezing(bcgd(p), { threshold: 0.9 }))).toEqual(plain);
    expect(run((p) => new IterativeFreezing(bcgd(p), { threshold: 0 }))).not.toEqual(plain);
  });

  it("goes on from a saved state to the same weights", () => {
    const step = (optimizer: IterativeFreezing, w: QuantParameter, bias: Parameter, from: number, to: number): void => {
      for (let t = from; t < to; t++) {
        const now = w.toTypedArray();
        give(
          w,
          Array.from(now, (value, i) => fround(Math.sin(7 * t + i) + 0.2 * value)),
        );
        give(bias, [0.1]);
        optimizer.step();
      }
    };
    const make = (): [IterativeFreezing, QuantParameter, Parameter] => {
      const w = weights([0.1, -0.2, 0.3, 0.5, -0.1, 0.7], ternary(), [2, 3]);
      const bias = disposeLater(new Parameter(NDArray.from([1], [1], "f32")));
      const base = new BCGD([bias, w], { base: (p) => new Adam(p as Parameter[], { lr: 0.2 }) });
      return [disposeLater(new IterativeFreezing(base, { threshold: 0.05, momentum: 0.05, fromStep: 5 })), w, bias];
    };
    const [whole, w, bias] = make();
    step(whole, w, bias, 0, 60);
    expect(w.frozen).toBeGreaterThan(0);
    for (const cut of [3, 20, 45]) {
      const [first, early, b1] = make();
      step(first, early, b1, 0, cut);
      const { arrays, values } = first.stateDict();
      const kept = new Map(
        [...arrays].map(([key, a]) => [key, a instanceof NDArray ? { shape: a.shape, data: a.toTypedArray() } : a]),
      );
      const [second, late, b2] = make();
      late.data.view().set(early.toTypedArray());
      late.markChanged("test");
      b2.data.view().set(b1.toTypedArray());
      second.loadStateDict({ arrays: kept as never, values: JSON.parse(JSON.stringify(values)) });
      expect(late.frozen).toBe(early.frozen);
      step(second, late, b2, cut, 60);
      expect([...late.toTypedArray()]).toEqual([...w.toTypedArray()]);
      expect(late.frozen).toBe(w.frozen);
    }
  });

  it("looks at no weight that is still relaxed", () => {
    const w = weights([0.1, 3], binary());
    const base = new BinaryRelax([w], { lr: 1 }, { growEvery: 1, exactFrom: 6 });
    const optimizer = disposeLater(new IterativeFreezing(base, { threshold: 0, momentum: 0.5 }));
    const seen: number[] = [];
    for (let t = 0; t < 12; t++) {
      give(w, [t % 2 ? -0.2 : 0.2, 0]);
      optimizer.step();
      seen.push(w.frozen);
    }
    expect(seen.slice(0, 6)).toEqual(Array(6).fill(0));
    expect(seen.at(-1)).toBe(1);
  });

  it("lets codes go when it is disposed of", () => {
    const w = weights([0.1, 3], binary());
    const optimizer = new IterativeFreezing(new SGD([w], { lr: 1 }), { threshold: 0, momentum: 0.5 });
    for (let t = 0; t < 6; t++) {
      give(w, [t % 2 ? -0.2 : 0.2, 0]);
      optimizer.step();
    }
    expect(w.frozen).toBe(1);
    optimizer.dispose();
    expect(w.frozen).toBe(0);
  });

  it("refuses what is no optimizer, options out of range and states that are not its own, before anything changes", () => {
    const w = weights([1, -2], binary());
    const base = disposeLater(new SGD([w], { lr: 1 }));
    for (const wrong of [undefined, null, {}, [w]]) {
      expect(() => new IterativeFreezing(wrong as never, { threshold: 0.1 })).toThrow(ArgumentError);
    }
    const bad: unknown[] = [
      {},
      { threshold: 1 },
      { threshold: -0.1 },
      { threshold: 0.1, momentum: 0 },
      { threshold: 0.1, momentum: 1 },
      { threshold: 0.1, fromStep: 0.5 },
      { threshold: 0.1, from: 3 },
    ];
    for (const options of bad) expect(() => new IterativeFreezing(base, options as never)).toThrow(ArgumentError);

    const optimizer = new IterativeFreezing(base, { threshold: 0.1 });
    const good = { "0.freeze.frequency": [0, 0], "0.freeze.mean": [1, -1], "0.freeze.codes": [385, 383] };
    const put = (changes: Record<string, unknown>): void => {
      const entries = Object.entries({ ...good, ...changes }).filter(([, data]) => data !== undefined);
      const arrays = new Map(entries.map(([key, data]) => [key, { shape: [2], data: Float32Array.from(data as []) }]));
      optimizer.loadStateDict({ arrays, values: { lrFactor: 1, "freeze.steps": 3 } });
    };
    put({});
    const before = JSON.stringify([...optimizer.stateDict().arrays]);
    const wrong: Record<string, unknown>[] = [
      { "0.freeze.mean": undefined },
      { "0.freeze.mean": [0, 2] },
      { "0.freeze.frequency": [0, Number.NaN] },
      { "0.freeze.codes": [385, 1e30] },
      { "0.freeze.codes": [385, 0.5] },
      { "0.freeze.codes": [385] },
      { "1.freeze.mean": [0, 0] },
    ];
    for (const changes of wrong) expect(() => put(changes), JSON.stringify(changes)).toThrow(StateError);
    expect(JSON.stringify([...optimizer.stateDict().arrays])).toBe(before);

    give(w, [1, 1]);
    w.data.view()[0] = Number.NaN;
    w.markChanged("test");
    expect(() => optimizer.step()).toThrow(QuantError);
    expect(w.toTypedArray()[1]).toBe(-2);
  });
});
