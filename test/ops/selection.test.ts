/**
 * @file Gradients of selections: an element that is not taken gets exactly +0, whatever it or its dy is (∞·0 would be
 * NaN), one that is taken gets its share; on WebAssembly and on the twins, by single and by joined ops.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apply, Tensor } from "../../src/autograd/tensor.js";
import { Rng } from "../../src/core/rng.js";
import { crossEntropy, init, mse, NDArray, scope, tensor, where } from "../../src/index.js";
import { BatchNorm2d, type Module, normActivation, ReLU } from "../../src/nn/index.js";
import { clip, where as whereOp } from "../../src/ops/compare.js";
import { dropout } from "../../src/ops/dropout.js";
import { maximum, minimum, pow } from "../../src/ops/elementwise.js";
import type { AnyOp } from "../../src/ops/op.js";
import { maxPool2d } from "../../src/ops/pool.js";
import { max, min } from "../../src/ops/reduce.js";
import { abs, relu } from "../../src/ops/unary.js";
import { type AlphaRule, alphaRules, type CoarseProxy, proxies, Staircase } from "../../src/quant/index.js";
import { staircaseOp } from "../../src/quant/ops/staircase.js";
import { binaryStep } from "../../src/theory/sample.js";

const { fround } = Math;
const SPECIAL = [0, -0, 1, -1, 0.75, 2.5, -2.5, Infinity, -Infinity, NaN];
const special = fc.constantFrom(...SPECIAL);

/** Rows of x, another operand and dy, of one length, any of which may be special. */
const rows = fc.integer({ min: 1, max: 37 }).chain((n) =>
  fc.record(
    Object.fromEntries(["x", "z", "dy"].map((key) => [key, fc.array(special, { minLength: n, maxLength: n })])) as {
      [key in "x" | "z" | "dy"]: fc.Arbitrary<number[]>;
    },
  ),
);

/** Runs an op on f32 vectors and hands back the gradients of all real inputs. */
function gradients(op: AnyOp, inputs: readonly NDArray[], attrs: unknown, dy: readonly number[]): number[][] {
  return scope(() => {
    const leaves = inputs.map((data) => new Tensor(data, data.dtype === "f32"));
    const y = apply(op, leaves, attrs);
    y.backward(tensor(Float32Array.from(dy), { shape: y.shape }));
    return leaves.flatMap((leaf) => (leaf.gradient === null ? [] : [Array.from(leaf.gradient.toTypedArray())]));
  });
}

const vector = (values: readonly number[]): NDArray => NDArray.from(Float32Array.from(values), [values.length]);

/** As toEqual, which tells −0 from +0 and takes NaN for NaN. */
const same = (got: readonly number[], want: readonly number[]): void => expect(got).toEqual(want.map(fround));

/** Of one operand: dx = dy·slope where the slope is a number ≠ 0, else +0. */
const ONE: readonly [name: string, op: AnyOp, attrs: unknown, slope: (x: number) => number][] = [
  ["relu", relu, undefined, (x) => (x > 0 ? 1 : 0)],
  ["clip", clip, { lo: -1, hi: 1 }, (x) => (x >= -1 && x <= 1 ? 1 : 0)],
  ["abs", abs, undefined, (x) => (x > 0 ? 1 : x < 0 ? -1 : x === 0 ? 0 : NaN)],
];

/** Of two operands: the slopes of both. */
const TWO: readonly [name: string, op: AnyOp, slopes: (a: number, b: number) => [number, number]][] = [
  ["maximum", maximum, (a, b) => [a >= b ? 1 : 0, a < b ? 1 : 0]],
  ["minimum", minimum, (a, b) => [a <= b ? 1 : 0, a > b ? 1 : 0]],
];

const share = (dy: number, slope: number): number => (slope === 0 ? 0 : dy * slope);

/** The first largest (or smallest): a NaN, if there is one. */
function firstExtreme(x: readonly number[], sign: 1 | -1): number {
  const nan = x.findIndex(Number.isNaN);
  return nan >= 0 ? nan : x.indexOf(sign * Math.max(...x.map((value) => sign * value)));
}

for (const backend of ["wasm", "reference"] as const) {
  describe(`on ${backend}`, () => {
    beforeAll(() => {
      init({ backend });
    });
    afterAll(() => {
      init();
    });

    it.each(ONE)("%s", (_name, op, attrs, slope) => {
      fc.assert(
        fc.property(rows, ({ x, dy }) => {
          const [dx] = scope(() => gradients(op, [vector(x)], attrs, dy));
          same(
            dx,
            x.map((value, i) => share(dy[i], slope(value))),
          );
        }),
      );
    });

    it.each(TWO)("%s", (_name, op, slopes) => {
      fc.assert(
        fc.property(rows, ({ x, z, dy }) => {
          const gradient = scope(() => gradients(op, [vector(x), vector(z)], undefined, dy));
          for (const side of [0, 1]) {
            same(
              gradient[side],
              x.map((value, i) => share(dy[i], slopes(value, z[i])[side])),
            );
          }
        }),
      );
    });

    it("where, by any byte of the condition", () => {
      fc.assert(
        fc.property(rows, fc.array(fc.constantFrom(0, 1, 2, 255), { minLength: 37, maxLength: 37 }), (drawn, bytes) => {
          const { x, z, dy } = drawn;
          const [da, db] = scope(() => {
            const cond = NDArray.empty([x.length], "bool");
            cond.view().set(bytes.slice(0, x.length));
            return gradients(whereOp, [cond, vector(x), vector(z)], undefined, dy);
          });
          same(
            da,
            dy.map((value, i) => (bytes[i] !== 0 ? value : 0)),
          );
          same(
            db,
            dy.map((value, i) => (bytes[i] === 0 ? value : 0)),
          );
        }),
      );
    });

    it("dropout, forward and backward", () => {
      fc.assert(
        fc.property(rows, fc.nat(), fc.constantFrom(0.25, 0.5, 1), ({ x, dy }, seed, p) => {
          const draws = new Rng(seed);
          const keep = x.map(() => draws.uniform() >= p);
          const scale = fround(p === 1 ? 0 : 1 / (1 - p));
          scope(() => {
            const leaf = new Tensor(vector(x), true);
            const y = apply(dropout, [leaf], { p, rng: new Rng(seed) });
            y.backward(tensor(Float32Array.from(dy)));
            const kept = (values: readonly number[]) => values.map((value, i) => (keep[i] ? value * scale : 0));
            same(Array.from(y.toTypedArray()), kept(x));
            same(Array.from(leaf.gradient?.toTypedArray() ?? []), kept(dy));
          });
        }),
      );
    });

    it.each([
      ["max", max, 1],
      ["min", min, -1],
    ] as const)("%s: the whole of dy at one place", (_name, op, sign) => {
      fc.assert(
        fc.property(rows, special, ({ x }, dy) => {
          const [dx] = scope(() => gradients(op, [vector(x)], {}, [dy]));
          const at = firstExtreme(x, sign);
          // Added to the zeros that it starts from.
          same(
            dx,
            x.map((_, i) => (i === at ? 0 + dy : 0)),
          );
        }),
      );
    });

    it("maxPool2d: the whole of dy at one place of each window", () => {
      fc.assert(
        fc.property(fc.array(special, { minLength: 16, maxLength: 16 }), special, special, (x, first, second) => {
          const dy = [first, second, second, first];
          const [dx] = scope(() => {
            const image = NDArray.from(Float32Array.from(x), [1, 4, 4, 1]);
            return gradients(maxPool2d, [image], { kernel: 2 }, dy);
          });
          const want = new Array<number>(16).fill(0);
          for (const [window, start] of [0, 2, 8, 10].entries()) {
            const places = [0, 1, 4, 5].map((step) => start + step);
            const values = places.map((at) => x[at]);
            want[places[firstExtreme(values, 1)]] = 0 + dy[window];
          }
          same(dx, want);
        }),
      );
    });

    it("pow: 0 for the base where the exponent is 0, for the exponent where 0 is raised to ≥ 0", () => {
      fc.assert(
        fc.property(rows, ({ x, dy }) => {
          const zeros = x.map(() => 0);
          const [base] = scope(() => gradients(pow, [vector(x), vector(zeros)], undefined, dy));
          same(base, zeros);
          const raised = x.map((value) => (value >= 0 ? value : 1));
          const [, exponent] = scope(() => gradients(pow, [vector(zeros), vector(raised)], undefined, dy));
          same(exponent, zeros);
        }),
      );
    });

    it("crossEntropy: examples that are ignored or count for nothing have no gradient", () => {
      scope(() => {
        const logits = tensor(
          [
            [1, 2],
            [NaN, 1],
            [Infinity, 0],
            [3, 3],
          ],
          { requiresGrad: true },
        );
        const labels = tensor([0, 9, 1, 1], { dtype: "i32" });
        const losses = crossEntropy(logits, labels, { reduction: "none", ignoreIndex: 9 });
        losses.backward(tensor([1, Infinity, 0, 2]));
        const p = fround(1 / (1 + Math.exp(-1)));
        const got = Array.from(logits.gradient?.toTypedArray() ?? []);
        expect(got[0]).toBeCloseTo(-p, 6);
        expect(got.slice(2)).toEqual([0, 0, 0, 0, 1, -1]);
      });
    });

    it("mse: masked squares have no gradient, whatever their difference is", () => {
      scope(() => {
        const prediction = tensor([1, Infinity, NaN, 4], { requiresGrad: true });
        const target = tensor([3, 1, 1, 1], { requiresGrad: true });
        const mask = tensor([1, 0, 0, 1], { dtype: "bool" });
        where(mask, mse(prediction, target, { reduction: "none" }), 0)
          .sum()
          .backward();
        same(Array.from(prediction.gradient?.toTypedArray() ?? []), [-4, 0, 0, 6]);
        same(Array.from(target.gradient?.toTypedArray() ?? []), [4, 0, 0, -6]);
      });
    });

    const triangle: CoarseProxy = { name: "triangle", dx: (x) => Math.max(0, 1 - Math.abs(x - 1)) };
    const above: AlphaRule = { name: "above", dalpha: (x) => (x > 1 ? 2 : 0) };

    it.each([...Object.values(proxies), triangle])("staircase in x by $name", (proxy) => {
      fc.assert(
        fc.property(rows, ({ x, dy }) => {
          const attrs = { bits: 2, proxy, rule: alphaRules["pact"], rounding: "ceil" };
          const [dx] = scope(() => gradients(staircaseOp, [vector(x), vector([0.5])], attrs, dy));
          same(
            dx,
            x.map((value, i) => share(dy[i], proxy.dx(value, 0.5, 3))),
          );
        }),
      );
    });

    it.each([...Object.values(alphaRules), above])("staircase in α by $name", (rule) => {
      fc.assert(
        fc.property(rows, ({ x, dy }) => {
          const attrs = { bits: 2, proxy: proxies["relu"], rule, rounding: "ceil" };
          const [, dalpha] = scope(() => gradients(staircaseOp, [vector(x), vector([0.5])], attrs, dy));
          // Small dyadic numbers: exact in any order.
          const sum = x.reduce((soFar, value, i) => soFar + share(dy[i], rule.dalpha(value, 0.5, 3)), 0);
          same(dalpha, [sum]);
        }),
      );
    });

    it("the theory's binary step by an own proxy", () => {
      fc.assert(
        fc.property(rows, ({ x, dy }) => {
          scope(() => {
            const leaf = new Tensor(vector(x), true);
            binaryStep([leaf], triangle).backward(tensor(Float32Array.from(dy)));
            same(
              Array.from(leaf.gradient?.toTypedArray() ?? []),
              x.map((value, i) => share(dy[i], triangle.dx(value, 1, 1))),
            );
          });
        }),
      );
    });

    /** All gradients of batch norm and activation, with dy replaced where nothing passes. */
    function normGradients(make: () => Module, channels: number, joined: boolean, hole: number | null) {
      const shape = [3, 5, 3, channels];
      const rng = new Rng(`selection ${channels}`);
      const draw = (): NDArray => {
        const values = new Float32Array(45 * channels);
        rng.fillUniform(values, -2, 2);
        return NDArray.from(values, shape);
      };
      const [norm, activation] = [new BatchNorm2d(channels), make()];
      try {
        return scope(() => {
          const [x, side] = [new Tensor(draw(), true), new Tensor(draw(), true)];
          const z = norm.forward(x).add(side);
          const dy = draw();
          const view = dy.view();
          const pre = z.toTypedArray();
          // Below 0 nothing passes, to x or to α, by any proxy but the identity.
          if (hole !== null) for (let i = 0; i < view.length; i++) if (pre[i] <= 0) view[i] = hole;
          const y = joined ? normActivation(norm, activation, x, side) : activation.forward(z);
          y.backward(new Tensor(dy));
          const alpha = activation instanceof Staircase ? activation.alpha.gradient?.item() : 0;
          const [gamma, beta] = [norm.weight, norm.bias].map((p) => Array.from(p.gradient?.toTypedArray() ?? []));
          return { dx: Array.from(x.grad?.toTypedArray() ?? []), side: side.grad?.toTypedArray(), gamma, beta, alpha };
        });
      } finally {
        norm.dispose();
        activation.dispose();
      }
    }

    const activations: [string, () => Module][] = [
      ["relu", () => new ReLU()],
      ...["clipped-relu", "relu"].flatMap((proxy) =>
        Object.values(alphaRules).map((rule): [string, () => Module] => [
          `staircase, ${proxy}, ${rule.name}`,
          () => new Staircase({ bits: 2, alpha: 0.25, proxy: proxies[proxy], rule }),
        ]),
      ),
    ];
    // Multiples of 4 have a kernel of their own.
    const cases = activations.flatMap(([name, make]) =>
      [3, 8].map((c): [string, number, () => Module] => [name, c, make]),
    );

    it.each(cases)("batch norm joined to %s, %i channels, with the bits of the single ops", (_name, channels, make) => {
      const plain = normGradients(make, channels, true, null);
      expect(plain.dx.every(Number.isFinite)).toBe(true);
      expect(plain.dx.some((value) => value !== 0)).toBe(true);
      for (const hole of [Infinity, -Infinity, NaN]) {
        const joined = normGradients(make, channels, true, hole);
        const { alpha, ...apart } = normGradients(make, channels, false, hole);
        expect(joined).toEqual(plain);
        expect({ ...joined, alpha: undefined }).toEqual({ ...apart, alpha: undefined });
        // The same terms in another order.
        expect(Math.abs((joined.alpha as number) - (alpha as number))).toBeLessThan(
          1e-5 * Math.abs(alpha as number) + 1e-12,
        );
      }
    });
  });
}
