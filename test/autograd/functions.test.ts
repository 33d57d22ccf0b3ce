/** @file The functional and the fluent API, by small examples whose results are plain. */
import { describe, expect, test } from "vitest";
import * as cg from "../../src/index.js";

const { tensor, scope } = cg;

/** An example: what is computed, and its nested values. */
type Example = readonly [name: string, run: () => cg.Tensor, expected: cg.NestedArray];

const m = (): cg.Tensor =>
  tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);

const creation: Example[] = [
  [
    "tensor",
    m,
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
  ],
  [
    "tensor of a typed array",
    () => tensor(Uint8Array.of(1, 2, 3, 4), { shape: [2, 2] }),
    [
      [1, 2],
      [3, 4],
    ],
  ],
  ["tensor of a number", () => tensor(5), 5],
  ["tensor of nothing", () => tensor([[], []]), [[], []]],
  ["zeros", () => cg.zeros([2, 1]), [[0], [0]]],
  ["ones", () => cg.ones([2]), [1, 1]],
  ["full", () => cg.full([2], -1.5), [-1.5, -1.5]],
  ["arange to", () => cg.arange(4), [0, 1, 2, 3]],
  ["arange from, to, step", () => cg.arange(5, -1, -2), [5, 3, 1]],
  ["arange of nothing", () => cg.arange(3, 3), []],
  ["linspace", () => cg.linspace(0, 1, 5), [0, 0.25, 0.5, 0.75, 1]],
  ["linspace of all numbers", () => cg.linspace(-1.5e308, 1.5e308, 3, { dtype: "f64" }), [-1.5e308, 0, 1.5e308]],
  ["linspace of one", () => cg.linspace(2, 9, 1), [2]],
  [
    "eye",
    () => cg.eye(2, 3),
    [
      [1, 0, 0],
      [0, 1, 0],
    ],
  ],
];
const arithmetic: Example[] = [
  [
    "number on the left",
    () => cg.sub(10, m()),
    [
      [9, 8, 7],
      [6, 5, 4],
    ],
  ],
  [
    "number on the right",
    () => m().div(2),
    [
      [0.5, 1, 1.5],
      [2, 2.5, 3],
    ],
  ],
  [
    "pow",
    () => m().pow(2),
    [
      [1, 4, 9],
      [16, 25, 36],
    ],
  ],
  ["number as base", () => cg.pow(2, tensor([0, 1, 10])), [1, 2, 1024]],
  [
    "maximum",
    () => m().maximum(3),
    [
      [3, 3, 3],
      [4, 5, 6],
    ],
  ],
  [
    "minimum",
    () => cg.minimum(3, m()),
    [
      [1, 2, 3],
      [3, 3, 3],
    ],
  ],
  [
    "neg and abs",
    () => m().neg().abs(),
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
  ],
  [
    "exp and log",
    () =>
      tensor([0])
        .exp()
        .sub(tensor([1]).log()),
    [1],
  ],
  ["sqrt", () => tensor([4, 9]).sqrt(), [2, 3]],
  [
    "tanh and sigmoid at 0",
    () =>
      tensor([0])
        .tanh()
        .add(tensor([0]).sigmoid()),
    [0.5],
  ],
  ["relu", () => tensor([-1, 0, 2]).relu(), [0, 0, 2]],
  ["clip", () => tensor([-1, 0.5, 2]).clip(0, 1), [0, 0.5, 1]],
  ["sign", () => cg.sign(tensor([-3, 0, 2])), [-1, 0, 1]],
  ["floor", () => cg.floor(tensor([-1.5, 1.5])), [-2, 1]],
  ["ceil", () => cg.ceil(tensor([-1.5, 1.5])), [-1, 2]],
  ["round half to even", () => cg.round(tensor([0.5, 1.5, 2.5, -0.6])), [0, 2, 2, -1]],
  [
    "comparison",
    () => m().greater(3),
    [
      [0, 0, 0],
      [1, 1, 1],
    ],
  ],
  ["comparison of integers", () => cg.equal(tensor([1, 2], { dtype: "i32" }), 2), [0, 1]],
  [
    "accuracy of a batch",
    () =>
      cg
        .equal(m().argmax(1), tensor([2, 0], { dtype: "i32" }))
        .cast("f32")
        .mean(),
    0.5,
  ],
  [
    "where with a number",
    () => cg.where(m().less(3), 0, m()),
    [
      [0, 0, 3],
      [4, 5, 6],
    ],
  ],
];
const reductions: Example[] = [
  ["sum", () => m().sum(), 21],
  ["sum over an axis", () => m().sum(0), [5, 7, 9]],
  ["sum over the last axis, kept", () => m().sum(-1, true), [[6], [15]]],
  ["mean", () => m().mean(1), [2, 5]],
  ["max", () => m().max(0), [4, 5, 6]],
  ["min", () => m().min(), 1],
  ["argmax", () => m().argmax(1), [2, 2]],
  ["argmax of all", () => m().argmax(), 5],
  ["argmin, kept", () => m().argmin(0, true), [[0, 0, 0]]],
  ["variance", () => cg.variance(m(), { axis: 1 }), [1, 1]],
  ["biased variance", () => cg.variance(tensor([1, 3]), { correction: 0 }), 1],
  ["softmax of equals", () => cg.zeros([1, 4]).softmax(), [[0.25, 0.25, 0.25, 0.25]]],
];
const movement: Example[] = [
  [
    "reshape",
    () => m().reshape([3, -1]),
    [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
  ],
  [
    "flatten",
    () => m().reshape([2, 1, 3]).flatten(),
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
  ],
  ["flatten all", () => m().flatten(0), [1, 2, 3, 4, 5, 6]],
  [
    "transpose",
    () => m().transpose(),
    [
      [1, 4],
      [2, 5],
      [3, 6],
    ],
  ],
  [
    "permute",
    () => cg.permute(m(), [1, 0]),
    [
      [1, 4],
      [2, 5],
      [3, 6],
    ],
  ],
  [
    "squeeze",
    () => cg.squeeze(m().reshape([1, 2, 3, 1])),
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
  ],
  ["squeeze one axis", () => cg.squeeze(tensor([[1], [2]]), 1), [1, 2]],
  ["unsqueeze", () => cg.unsqueeze(tensor([1, 2]), -1), [[1], [2]]],
  [
    "broadcastTo",
    () => cg.broadcastTo(tensor([[1], [2]]), [2, 2]),
    [
      [1, 1],
      [2, 2],
    ],
  ],
  [
    "concat",
    () => cg.concat([m(), tensor([[7], [8]])], 1),
    [
      [1, 2, 3, 7],
      [4, 5, 6, 8],
    ],
  ],
  ["concat of integers", () => cg.concat([tensor([1], { dtype: "i32" }), tensor([2], { dtype: "i32" })]), [1, 2]],
  [
    "stack",
    () => cg.stack([tensor([1, 2]), tensor([3, 4])], 1),
    [
      [1, 3],
      [2, 4],
    ],
  ],
  [
    "slice",
    () => m().slice(null, [1]),
    [
      [2, 3],
      [5, 6],
    ],
  ],
  ["slice that picks a row, reversed", () => m().slice(-1, [null, null, -1]), [6, 5, 4]],
  ["slice that picks an element", () => m().slice(0, 1), 2],
  ["pad", () => cg.pad(tensor([1, 2]), [[1, 2]], 9), [9, 1, 2, 9, 9]],
  ["pad alike on both sides", () => cg.pad(tensor([[1]]), [0, 1]), [[0, 1, 0]]],
  [
    "indexSelect",
    () => cg.indexSelect(m(), [1, 1, 0]),
    [
      [4, 5, 6],
      [4, 5, 6],
      [1, 2, 3],
    ],
  ],
  ["indexSelect of columns", () => cg.indexSelect(m(), [-1], 1), [[3], [6]]],
  ["gather", () => cg.gather(m(), 1, tensor([[2], [0]], { dtype: "i32" })), [[3], [4]]],
  [
    "oneHot",
    () => cg.oneHot([2, 0], 3),
    [
      [0, 0, 1],
      [1, 0, 0],
    ],
  ],
  ["cast", () => tensor([1.7, -1.7]).cast("i32"), [1, -1]],
];

for (const [family, examples] of Object.entries({ creation, arithmetic, reductions, movement })) {
  describe(family, () => {
    for (const [name, run, expected] of examples) {
      test(name, () => scope(() => void expect(run().toArray()).toEqual(expected)));
    }
  });
}

describe("random numbers", () => {
  test("come from the seed", () => {
    scope(() => {
      cg.manualSeed(5);
      const first = [cg.rand([3]), cg.randn([3]), cg.dropout(cg.ones([8]), 0.5)].map((x) => x.toArray());
      cg.manualSeed(5);
      const again = [cg.rand([3]), cg.randn([3]), cg.dropout(cg.ones([8]), 0.5)].map((x) => x.toArray());
      expect(again).toEqual(first);
      cg.manualSeed(6);
      expect(cg.rand([3]).toArray()).not.toEqual(first[0]);
      cg.manualSeed(0);
    });
  });
  test("or from a generator of one's own, which leaves the default alone", () => {
    scope(() => {
      const before = cg.defaultRng().state();
      expect(cg.randn([4], { rng: new cg.Rng(1) }).toArray()).toEqual(cg.randn([4], { rng: new cg.Rng(1) }).toArray());
      expect(cg.defaultRng().state()).toEqual(before);
    });
  });
  test("dropout keeps each element with probability 1 − p, scaled by 1/(1 − p)", () => {
    scope(() => {
      const y = cg.dropout(cg.ones([10_000]), 0.25, new cg.Rng(3)).toTypedArray();
      const kept = y.filter((value) => value !== 0);
      expect(new Set(kept)).toEqual(new Set([Math.fround(4 / 3)]));
      // Five standard deviations of a binomial count.
      expect(Math.abs(kept.length - 7500)).toBeLessThan(5 * Math.sqrt(10_000 * 0.25 * 0.75));
      expect(cg.dropout(cg.ones([3]), 1, new cg.Rng(3)).toArray()).toEqual([0, 0, 0]);
    });
  });
});

describe("types", () => {
  test("a number takes the other operand's type", () => {
    scope(() => {
      expect(cg.add(tensor([1], { dtype: "f64" }), 0.1).toArray()).toEqual([1.1]);
      expect(cg.add(tensor([1]), 0.1).toArray()).toEqual([Math.fround(1 + Math.fround(0.1))]);
    });
  });
  test("codes act as their real values", () => {
    scope(() => {
      const codes = new cg.Tensor(cg.NDArray.from([1, 2, 3], [3], "u8", 0.5));
      expect(codes.add(1).toArray()).toEqual([1.5, 2, 2.5]);
      expect(codes.sum().item()).toBe(3);
      expect(codes.toArray()).toEqual([0.5, 1, 1.5]);
      expect(codes.greater(0.75).toArray()).toEqual([0, 1, 1]);
      expect(codes.reshape([1, 3]).slice(0, [1]).data.step).toBe(0.5);
    });
  });
});

describe("scopes of tensors", () => {
  test("free all but what is returned", () => {
    const before = cg.memory().arrays;
    const y = scope(() => m().add(1).mul(2).sum());
    expect(y.item()).toBe(54);
    expect(cg.memory().arrays).toBe(before + 1);
    y.dispose();
  });
  test("nest, and keep() hands on to the enclosing one", () => {
    const before = cg.memory().arrays;
    {
      using outer = scope();
      const kept: cg.Tensor[] = [];
      {
        using inner = scope();
        kept.push(inner.keep(m().add(1)));
        expect(inner.size).toBeGreaterThan(0);
      }
      expect(kept[0].toArray()).toEqual([
        [2, 3, 4],
        [5, 6, 7],
      ]);
      expect(outer.size).toBe(1);
    }
    expect(cg.memory().arrays).toBe(before);
  });
  test("free everything when an op throws inside", () => {
    const before = cg.memory().arrays;
    expect(() => scope(() => m().add(1).matmul(m()))).toThrow("matmul: inner extents differ");
    expect(cg.memory().arrays).toBe(before);
  });
  test("a result with history can still be differentiated outside its scope", () => {
    const x = tensor([3], { requiresGrad: true });
    scope(() => {
      const loss = scope(() => x.exp().log().mul(x).sum());
      loss.backward();
    });
    expect(x.grad?.item()).toBeCloseTo(6, 5);
    x.dispose();
  });
  test("peak memory is reported and can be started anew", () => {
    cg.resetPeakMemory();
    scope(() => void cg.zeros([1000]).add(1).sum());
    const { peakBytes, bytes } = cg.memory();
    expect(peakBytes - bytes).toBeGreaterThanOrEqual(8000);
    cg.resetPeakMemory();
    expect(cg.memory().peakBytes).toBe(bytes);
  });
});
