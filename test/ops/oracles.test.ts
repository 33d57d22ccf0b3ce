/** @file Forward passes against naive definitions written out index by index, in f64 and in f32. */
import { describe, expect, test } from "vitest";
import * as cg from "../../src/autograd/functions.js";
import type { Tensor } from "../../src/autograd/tensor.js";
import { Rng } from "../../src/core/rng.js";
import { scope } from "../../src/memory/scope.js";
import type { Padding } from "../../src/ndarray/window.js";
import { featureAffinityLoss } from "../../src/nn/feature-affinity.js";

type Real = "f32" | "f64";
const TYPES: Real[] = ["f64", "f32"];
const rng = new Rng("oracles");

function random(shape: number[], dtype: Real): { tensor: Tensor; at: (...index: number[]) => number } {
  const tensor = cg.randn(shape, { rng, dtype });
  const flat = tensor.toTypedArray();
  return { tensor, at: (...index) => flat[index.reduce((offset, i, axis) => offset * shape[axis] + i, 0)] };
}

/** Compares with a naive result, relative to the largest magnitude. */
function close(actual: Tensor, shape: number[], expected: number[], dtype: Real): void {
  expect([...actual.shape]).toEqual(shape);
  const largest = (values: ArrayLike<number>): number =>
    Array.from(values).reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  const scale = largest(expected) + 1e-30;
  const worst = largest(Array.from(actual.toTypedArray(), (value, i) => value - expected[i]));
  expect(worst / scale).toBeLessThan(dtype === "f64" ? 1e-13 : 3e-6);
}

/** Every index of a shape, row-major. */
function indices(shape: number[]): number[][] {
  return shape.reduce<number[][]>(
    (rows, extent) => rows.flatMap((row) => Array.from({ length: extent }, (_, i) => [...row, i])),
    [[]],
  );
}

interface Conv {
  note: string;
  x: number[];
  w: number[];
  stride?: [number, number];
  dilation?: [number, number];
  groups?: number;
  padding?: Padding;
  /** [top, bottom, left, right] that `padding` stands for. */
  sides?: [number, number, number, number];
}

const UNIT: [number, number] = [1, 1];

const convolutions: Conv[] = [
  { note: "3×3", x: [2, 6, 5, 3], w: [4, 3, 3, 3] },
  { note: "1×1", x: [2, 4, 4, 5], w: [3, 5, 1, 1] },
  { note: "1×1 with padding", x: [1, 3, 3, 2], w: [2, 2, 1, 1], padding: 1, sides: [1, 1, 1, 1] },
  {
    note: "stride and sides",
    x: [2, 7, 8, 2],
    w: [3, 2, 3, 2],
    stride: [2, 3],
    padding: [1, 2, 0, 3],
    sides: [1, 2, 0, 3],
  },
  { note: "pair of paddings", x: [1, 5, 5, 2], w: [3, 2, 3, 3], padding: [2, 1], sides: [2, 2, 1, 1] },
  { note: "same, even kernel", x: [1, 5, 6, 2], w: [2, 2, 4, 2], padding: "same", sides: [1, 2, 0, 1] },
  { note: "same, stride 2", x: [1, 5, 6, 1], w: [2, 1, 3, 3], padding: "same", stride: [2, 2], sides: [1, 1, 0, 1] },
  { note: "dilation", x: [1, 9, 8, 2], w: [3, 2, 3, 2], dilation: [2, 3] },
  { note: "groups", x: [2, 5, 5, 6], w: [4, 3, 3, 3], groups: 2, padding: 1, sides: [1, 1, 1, 1] },
  { note: "depthwise", x: [2, 5, 5, 5], w: [5, 1, 3, 3], groups: 5, padding: 1, sides: [1, 1, 1, 1] },
  { note: "depthwise, 3 filters", x: [1, 6, 5, 2], w: [6, 1, 2, 3], groups: 2, stride: [2, 1] },
  { note: "one pixel", x: [1, 1, 1, 1], w: [1, 1, 1, 1] },
  // More rows of patches than one chunk holds: 2·40·40·(9·64) f32 are 7.4 MB.
  { note: "several chunks", x: [2, 40, 40, 64], w: [2, 64, 3, 3], padding: 1, sides: [1, 1, 1, 1] },
  {
    note: "several chunks, depthwise",
    x: [2, 40, 30, 64],
    w: [64, 1, 3, 3],
    groups: 64,
    padding: 1,
    sides: [1, 1, 1, 1],
  },
];

describe("conv2d", () => {
  for (const dtype of TYPES) {
    for (const {
      note,
      x,
      w,
      stride = UNIT,
      dilation = UNIT,
      groups = 1,
      padding = 0 as Padding,
      sides = [0, 0, 0, 0],
    } of convolutions) {
      test(`${note}, ${dtype}`, () => {
        scope(() => {
          const [image, weight, bias] = [random(x, dtype), random(w, dtype), random([w[0]], dtype)];
          const outH = Math.floor((x[1] + sides[0] + sides[1] - dilation[0] * (w[2] - 1) - 1) / stride[0]) + 1;
          const outW = Math.floor((x[2] + sides[2] + sides[3] - dilation[1] * (w[3] - 1) - 1) / stride[1]) + 1;
          const shape = [x[0], outH, outW, w[0]];
          const perGroup = w[0] / groups;
          const expected = indices(shape).map(([n, p, q, o]) => {
            let sum = bias.at(o);
            for (let c = 0; c < w[1]; c++) {
              for (let i = 0; i < w[2]; i++) {
                for (let j = 0; j < w[3]; j++) {
                  const row = p * stride[0] + i * dilation[0] - sides[0];
                  const column = q * stride[1] + j * dilation[1] - sides[2];
                  if (row < 0 || row >= x[1] || column < 0 || column >= x[2]) continue;
                  sum += image.at(n, row, column, Math.floor(o / perGroup) * w[1] + c) * weight.at(o, c, i, j);
                }
              }
            }
            return sum;
          });
          const y = cg.conv2d(image.tensor, weight.tensor, bias.tensor, { stride, dilation, groups, padding });
          close(y, shape, expected, dtype);
        });
      });
    }
  }
});

describe("pools", () => {
  const windows = [
    { kernel: [2, 2], stride: [2, 2], pad: [0, 0] },
    { kernel: [3, 3], stride: [2, 2], pad: [1, 1] },
    { kernel: [3, 2], stride: [1, 3], pad: [0, 1] },
    { kernel: [3, 2], stride: [2, 1], pad: [1, 0], dilation: [2, 3] },
    { kernel: [3, 2], stride: [3, 3], pad: [0, 0], ceilMode: true },
    { kernel: [2, 2], stride: [4, 5], pad: [1, 1], ceilMode: true },
    { kernel: [2, 3], stride: [3, 2], pad: [0, 0], dilation: [3, 2], ceilMode: true },
  ] as {
    kernel: [number, number];
    stride: [number, number];
    pad: [number, number];
    dilation?: [number, number];
    ceilMode?: boolean;
  }[];
  for (const dtype of TYPES) {
    for (const { kernel, stride, pad, dilation = [1, 1] as const, ceilMode = false } of windows) {
      const more = `${dilation.join() === "1,1" ? "" : `, dilation ${dilation}`}${ceilMode ? ", ceil mode" : ""}`;
      test(`kernel ${kernel}, stride ${stride}, padding ${pad}${more}, ${dtype}`, () => {
        scope(() => {
          const shape = [2, 7, 6, 3];
          const x = random(shape, dtype);
          // PyTorch's pooling_output_shape.
          const [outH, outW] = [0, 1].map((axis) => {
            const padded = shape[1 + axis] + 2 * pad[axis];
            const room = padded - dilation[axis] * (kernel[axis] - 1) - 1 + (ceilMode ? stride[axis] - 1 : 0);
            const count = Math.floor(room / stride[axis]) + 1;
            return ceilMode && (count - 1) * stride[axis] >= shape[1 + axis] + pad[axis] ? count - 1 : count;
          });
          const out = [2, outH, outW, 3];
          const windowsOf = indices(out).map(([n, p, q, c]) => {
            const inside: number[] = [];
            for (let i = 0; i < kernel[0]; i++) {
              for (let j = 0; j < kernel[1]; j++) {
                const row = p * stride[0] + i * dilation[0] - pad[0];
                const column = q * stride[1] + j * dilation[1] - pad[1];
                if (row >= 0 && row < 7 && column >= 0 && column < 6) inside.push(x.at(n, row, column, c));
              }
            }
            return inside;
          });
          const total = (values: number[]): number => values.reduce((a, b) => a + b, 0);
          const options = { stride, padding: pad, dilation, ceilMode };
          close(
            cg.maxPool2d(x.tensor, kernel, options),
            out,
            windowsOf.map((values) => Math.max(...values)),
            dtype,
          );
          // What ceil mode reaches beyond the image never counts; none of the padded windows here does.
          const beyond = ceilMode && pad.every((side) => side === 0);
          const size = kernel[0] * kernel[1];
          close(
            cg.avgPool2d(x.tensor, kernel, options),
            out,
            windowsOf.map((values) => total(values) / (beyond ? values.length : size)),
            dtype,
          );
          close(
            cg.avgPool2d(x.tensor, kernel, { ...options, countIncludePad: false }),
            out,
            windowsOf.map((values) => total(values) / values.length),
            dtype,
          );
        });
      });
    }
    test(`global average, ${dtype}`, () => {
      scope(() => {
        const x = random([2, 3, 4, 5], dtype);
        const expected = indices([2, 5]).map(([n, c]) => {
          let sum = 0;
          for (const [i, j] of indices([3, 4])) sum += x.at(n, i, j, c);
          return sum / 12;
        });
        close(cg.globalAvgPool2d(x.tensor), [2, 5], expected, dtype);
      });
    });
  }
  test("the gradient of equal maxima goes to the first of the window", () => {
    scope(() => {
      const x = cg.tensor([1, 2, 2, 2], { shape: [1, 2, 2, 1], requiresGrad: true });
      cg.maxPool2d(x, 2).sum().backward();
      expect(Array.from(x.grad?.toTypedArray() ?? [])).toEqual([0, 1, 0, 0]);
    });
  });
});

describe("batch norm", () => {
  for (const dtype of TYPES) {
    test(`with the batch's statistics, which are handed out, ${dtype}`, () => {
      scope(() => {
        const [x, gamma, beta] = [random([2, 3, 4, 5], dtype), random([5], dtype), random([5], dtype)];
        const statistics = { mean: cg.zeros([5], { dtype }).data, variance: cg.zeros([5], { dtype }).data };
        const y = cg.batchNorm(x.tensor, gamma.tensor, beta.tensor, { eps: 1e-3, statistics });
        const places = indices([2, 3, 4]);
        const mean = indices([5]).map(([c]) => places.reduce((sum, [n, i, j]) => sum + x.at(n, i, j, c), 0) / 24);
        const variance = mean.map(
          (m, c) => places.reduce((sum, [n, i, j]) => sum + (x.at(n, i, j, c) - m) ** 2, 0) / 24,
        );
        const expected = indices([2, 3, 4, 5]).map(
          ([n, i, j, c]) => ((x.at(n, i, j, c) - mean[c]) / Math.sqrt(variance[c] + 1e-3)) * gamma.at(c) + beta.at(c),
        );
        close(y, [2, 3, 4, 5], expected, dtype);
        expect(Math.max(...Array.from(statistics.mean.view(), (m, c) => Math.abs(m - mean[c])))).toBeLessThan(1e-6);
        expect(Math.max(...Array.from(statistics.variance.view(), (v, c) => Math.abs(v - variance[c])))).toBeLessThan(
          1e-6,
        );
      });
    });
  }
  test("with fixed statistics rounds once per operation, in the order that the packed runtime repeats", () => {
    scope(() => {
      const f = Math.fround;
      const [x, gamma, beta, mean] = [
        random([50, 7], "f32"),
        random([7], "f32"),
        random([7], "f32"),
        random([7], "f32"),
      ];
      const variance = cg.rand([7], { rng });
      const eps = 1e-5;
      const y = cg.batchNorm(x.tensor, gamma.tensor, beta.tensor, { eps, fixed: { mean: mean.tensor, variance } });
      const v = variance.toTypedArray();
      const expected = indices([50, 7]).map(([n, c]) => {
        const invStd = f(1 / f(Math.sqrt(f(v[c] + f(eps)))));
        const scale = f(gamma.at(c) * invStd);
        const shift = f(beta.at(c) - f(mean.at(c) * scale));
        return f(f(x.at(n, c) * scale) + shift);
      });
      expect(Array.from(y.toTypedArray())).toEqual(expected);
    });
  });
});

describe("losses", () => {
  for (const dtype of TYPES) {
    test(`cross entropy with smoothing and ignored labels, ${dtype}`, () => {
      scope(() => {
        const logits = random([6, 5], dtype);
        const labels = [0, 4, -100, 2, 2, -100];
        const rows = labels.flatMap((label, n) => {
          if (label === -100) return [];
          const row = indices([5]).map(([c]) => logits.at(n, c));
          const logZ = Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0));
          return [row.reduce((sum, value, c) => sum - ((c === label ? 0.9 : 0) + 0.1 / 5) * (value - logZ), 0)];
        });
        const total = rows.reduce((a, b) => a + b, 0);
        const tensor = cg.tensor(labels, { dtype: "i32" });
        const options = { labelSmoothing: 0.1, ignoreIndex: -100 };
        close(cg.crossEntropy(logits.tensor, tensor, options), [], [total / 4], dtype);
        close(cg.crossEntropy(logits.tensor, tensor, { ...options, reduction: "sum" }), [], [total], dtype);
        const each = cg.crossEntropy(logits.tensor, tensor, { ...options, reduction: "none" });
        close(each, [6], [rows[0], rows[1], 0, rows[2], rows[3], 0], dtype);
      });
    });
    test(`huge logits do not overflow, ${dtype}`, () => {
      scope(() => {
        const logits = cg.tensor([[1000, 0, -1000]], { dtype });
        const loss = (label: number): number => cg.crossEntropy(logits, cg.tensor([label], { dtype: "i32" })).item();
        expect([loss(0), loss(1), loss(2)]).toEqual([0, 1000, 2000]);
        expect(logits.softmax().toArray()).toEqual([[1, 0, 0]]);
      });
    });
    test(`distillation: T²·KL of softened outputs, ${dtype}`, () => {
      scope(() => {
        const [student, teacher] = [random([4, 5], dtype), random([4, 5], dtype)];
        for (const temperature of [0.5, 1, 4]) {
          const softened = (logits: typeof student, n: number): number[] => {
            const powers = indices([5]).map(([c]) => Math.exp(logits.at(n, c) / temperature));
            const sum = powers.reduce((a, b) => a + b, 0);
            return powers.map((power) => power / sum);
          };
          const rows = [0, 1, 2, 3].map((n) => {
            const [q, p] = [softened(student, n), softened(teacher, n)];
            return temperature ** 2 * p.reduce((sum, value, c) => sum + value * Math.log(value / q[c]), 0);
          });
          const total = rows.reduce((a, b) => a + b, 0);
          const loss = (options: object) =>
            cg.distillationLoss(student.tensor, teacher.tensor, { temperature, ...options });
          close(loss({}), [], [total / 4], dtype);
          close(loss({ reduction: "sum" }), [], [total], dtype);
          close(loss({ reduction: "none" }), [4], rows, dtype);
        }
        expect(cg.distillationLoss(student.tensor, student.tensor).item()).toBe(0);
      });
    });
    test(`distillation: logits of any size and classes that the teacher excludes, ${dtype}`, () => {
      scope(() => {
        const teacher = cg.tensor([[Number.NEGATIVE_INFINITY, 0, 0]], { dtype });
        const student = cg.tensor([[1000, 0, 0]], { dtype, requiresGrad: true });
        const loss = cg.distillationLoss(student, teacher, { temperature: 1 });
        expect(loss.item()).toBeCloseTo(1000 - Math.log(2), 4);
        loss.backward();
        const gradient = student.gradient?.toTypedArray() as Float32Array;
        [1, -0.5, -0.5].forEach((want, c) => {
          expect(gradient[c]).toBeCloseTo(want, 6);
        });
      });
    });
    test(`affinities of features: every pair of positions, ${dtype}`, () => {
      scope(() => {
        const [student, teacher] = [random([2, 2, 3, 4], dtype), random([2, 2, 3, 5], dtype)];
        const affinities = ({ tensor }: typeof student, channels: number) =>
          [0, 1].map((n) => {
            const values = Array.from(tensor.toTypedArray() as Float32Array);
            const vectors = Array.from({ length: 6 }, (_, p) => {
              const at = (n * 6 + p) * channels;
              return values.slice(at, at + channels);
            });
            const dot = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * b[i], 0);
            return vectors.map((a) => vectors.map((b) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))));
          });
        const [own, theirs] = [affinities(student, 4), affinities(teacher, 5)];
        const each = own.map((rows, n) =>
          rows.flatMap((row, p) => row.map((a, q) => (a - theirs[n][p][q]) ** 2 / 36)).reduce((a, b) => a + b, 0),
        );
        const loss = (options: object) => featureAffinityLoss(student.tensor, teacher.tensor, options);
        close(loss({}), [], [(each[0] + each[1]) / 2], dtype);
        close(loss({ reduction: "sum" }), [], [each[0] + each[1]], dtype);
        close(loss({ reduction: "none" }), [2], each, dtype);
        expect(featureAffinityLoss(student.tensor, student.tensor.mul(3)).item()).toBeLessThan(1e-6);
      });
    });
    test(`affinities of features: a vector of zeros has none, ${dtype}`, () => {
      scope(() => {
        const student = cg.tensor(
          [
            [
              [0, 0],
              [1, 0],
              [0, 2],
            ],
          ],
          { dtype, requiresGrad: true },
        );
        const teacher = cg.tensor(
          [
            [
              [1, 0],
              [1, 0],
              [0, 1],
            ],
          ],
          { dtype },
        );
        const loss = featureAffinityLoss(student, teacher);
        // Its own affinity, and twice that with the second position, are 1 for the teacher.
        expect(loss.item()).toBeCloseTo(3 / 9, 6);
        loss.backward();
        const gradient = student.gradient?.toTypedArray() as Float32Array;
        expect(Array.from(gradient).slice(0, 2)).toEqual([0, 0]);
      });
    });
    test(`affinities of features: what is not a number is not hidden, ${dtype}`, () => {
      scope(() => {
        const good = cg.tensor(
          [
            [
              [1, 0],
              [0, 1],
            ],
          ],
          { dtype },
        );
        for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
          const odd = cg.tensor(
            [
              [
                [bad, 0],
                [0, 1],
              ],
            ],
            { dtype },
          );
          expect(featureAffinityLoss(odd, good).item()).toBeNaN();
          expect(featureAffinityLoss(good, odd).item()).toBeNaN();
        }
      });
    });
    test(`mse, ${dtype}`, () => {
      scope(() => {
        const [a, b] = [cg.tensor([1, 2, 4], { dtype }), cg.tensor([1, 0, 1], { dtype })];
        expect(cg.mse(a, b).item()).toBeCloseTo(13 / 3, dtype === "f64" ? 14 : 6);
        expect(cg.mse(a, b, { reduction: "sum" }).item()).toBe(13);
        expect(cg.mse(a, b, { reduction: "none" }).toArray()).toEqual([0, 4, 9]);
      });
    });
    test(`weights of classes, ${dtype}`, () => {
      scope(() => {
        const logits = random([5, 3], dtype);
        const labels = [0, 2, -1, 1, 2];
        const classWeights = [0.5, 0, 3];
        const losses = labels.map((label, n) => {
          if (label < 0) return 0;
          const row = indices([3]).map(([c]) => logits.at(n, c));
          const logZ = Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0));
          return row.reduce((sum, x, c) => sum - classWeights[c] * ((c === label ? 0.7 : 0) + 0.1) * (x - logZ), 0);
        });
        const total = losses.reduce((a, b) => a + b, 0);
        const options = { labelSmoothing: 0.3, ignoreIndex: -1, classWeights };
        close(cg.crossEntropy(logits.tensor, labels, options), [], [total / 6.5], dtype);
        close(cg.crossEntropy(logits.tensor, labels, { ...options, reduction: "sum" }), [], [total], dtype);
        close(cg.crossEntropy(logits.tensor, labels, { ...options, reduction: "none" }), [5], losses, dtype);
      });
    });
    test(`L1 and Huber, ${dtype}`, () => {
      scope(() => {
        const [a, b] = [cg.tensor([1, 2, 4], { dtype }), cg.tensor([1, 2.5, 1], { dtype })];
        expect(cg.l1Loss(a, b, { reduction: "none" }).toArray()).toEqual([0, 0.5, 3]);
        expect(cg.l1Loss(a, b, { reduction: "sum" }).item()).toBe(3.5);
        expect(cg.huberLoss(a, b, { reduction: "none" }).toArray()).toEqual([0, 0.125, 2.5]);
        expect(cg.huberLoss(a, b, { reduction: "sum", delta: 2 }).item()).toBe(0.125 + 4);
        expect(cg.huberLoss(a, b).item()).toBeCloseTo(2.625 / 3, dtype === "f64" ? 15 : 7);
      });
    });
    test(`binary cross entropy at ordinary and huge logits, ${dtype}`, () => {
      scope(() => {
        const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
        const rows = [
          [0.3, 1],
          [-1.5, 0],
          [2, 0.25],
        ] as const;
        const of = ([x, t]: readonly [number, number]): number =>
          -2 * t * Math.log(sigmoid(x)) - (1 - t) * Math.log(1 - sigmoid(x));
        const [x, t] = [0, 1].map((k) =>
          cg.tensor(
            rows.map((row) => row[k]),
            { dtype },
          ),
        );
        close(cg.binaryCrossEntropy(x, t, { positiveWeight: 2, reduction: "none" }), [3], rows.map(of), dtype);
        const huge = cg.tensor([1000, -1000, 1000, -1000], { dtype });
        const told = cg.tensor([1, 0, 0, 1], { dtype });
        expect(cg.binaryCrossEntropy(huge, told, { reduction: "none" }).toArray()).toEqual([0, 0, 1000, 1000]);
      });
    });
  }
});

describe("products", () => {
  const shapes = [
    [
      [3, 4],
      [4, 5],
    ],
    [
      [2, 3, 4],
      [2, 4, 5],
    ],
    [
      [2, 3, 4],
      [4, 5],
    ],
    [
      [3, 4],
      [2, 4, 5],
    ],
    [
      [2, 1, 3, 4],
      [3, 4, 5],
    ],
    [
      [1, 1],
      [1, 1],
    ],
    [
      [17, 33],
      [33, 19],
    ],
    [
      [3, 0],
      [0, 2],
    ],
  ];
  for (const dtype of TYPES) {
    for (const [left, right] of shapes) {
      test(`[${left}]·[${right}], ${dtype}`, () => {
        scope(() => {
          const [a, b] = [random(left, dtype), random(right, dtype)];
          const y = cg.matmul(a.tensor, b.tensor);
          const K = left[left.length - 1];
          const pick = (shape: number[], batch: number[]): number[] =>
            batch.slice(batch.length - (shape.length - 2)).map((i, k) => (shape[k] === 1 ? 0 : i));
          const expected = indices([...y.shape]).map((index) => {
            const [batch, m, n] = [index.slice(0, -2), index[index.length - 2], index[index.length - 1]];
            let sum = 0;
            for (let k = 0; k < K; k++) sum += a.at(...pick(left, batch), m, k) * b.at(...pick(right, batch), k, n);
            return sum;
          });
          close(y, [...y.shape], expected, dtype);
        });
      });
    }
  }
  test("vectors are rows on the left and columns on the right", () => {
    scope(() => {
      const m = cg.tensor([
        [1, 2],
        [3, 4],
      ]);
      const v = cg.tensor([10, 1]);
      expect(m.matmul(v).toArray()).toEqual([12, 34]);
      expect(v.matmul(m).toArray()).toEqual([13, 24]);
      expect(v.matmul(v).toArray()).toBe(101);
    });
  });
});
