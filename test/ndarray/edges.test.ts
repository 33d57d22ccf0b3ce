/** @file The edges of shapes and options: no taps, no examples, no history, names that nobody knows. */
import { describe, expect, test } from "vitest";
import * as cg from "../../src/autograd/functions.js";
import type { Tensor } from "../../src/autograd/tensor.js";
import { ArgumentError, DTypeError, ShapeError } from "../../src/core/errors.js";
import { memory } from "../../src/kernels/index.js";
import { scope } from "../../src/memory/scope.js";
import { lenet5 } from "../../src/models/index.js";
import {
  add,
  broadcastTo,
  concat,
  convForwardCodes,
  linearForwardCodes,
  matmul,
  NDArray,
  scatterAdd,
  unary,
} from "../../src/ndarray/index.js";
import { convolution } from "../../src/ops/conv.js";
import { disposeLater } from "../leaks.js";

const { ones, tensor, zeros } = cg;
const list = (x: Tensor): number[] => Array.from(x.toTypedArray());

describe("windows without taps", () => {
  for (const [x, w] of [
    [
      [1, 3, 3, 0],
      [2, 0, 3, 3],
    ],
    [
      [1, 3, 3, 2],
      [2, 2, 0, 0],
    ],
    [
      [1, 3, 3, 2],
      [0, 2, 3, 3],
    ],
    [
      [1, 0, 3, 2],
      [2, 2, 1, 1],
    ],
  ]) {
    test(`a convolution of [${x}] with [${w}] is refused`, () => {
      scope(() => expect(() => cg.conv2d(ones(x), ones(w), null, { padding: 1 })).toThrow(ShapeError));
    });
  }
  test("and so are pools of nothing, and windows that 32 bits cannot hold", () => {
    scope(() => {
      const x = ones([1, 4, 4, 1]);
      expect(() => cg.maxPool2d(ones([1, 4, 4, 0]), 2)).toThrow(ShapeError);
      expect(() => cg.avgPool2d(x, 2 ** 30, { padding: 2 ** 29 })).toThrow(ShapeError);
      for (const options of [{ stride: 0 }, { padding: -1 }, { dilation: 0 }, { groups: 0 }, { stride: 2 ** 32 }]) {
        expect(() => cg.conv2d(x, ones([1, 1, 2, 2]), null, options)).toThrow(ArgumentError);
      }
    });
  });
});

describe("empty batches", () => {
  test("go through everything that keeps rows apart", () => {
    scope(() => {
      expect(zeros([0, 4, 4, 1]).flatten(1).shape).toEqual([0, 16]);
      expect(zeros([0, 4, 4, 1]).reshape([0, -1]).shape).toEqual([0, 16]);
      expect(zeros([4, 0, 3]).reshape([-1, 0, 3]).shape).toEqual([4, 0, 3]);
      expect(() => zeros([0, 4]).reshape([5, 0, -1])).toThrow(ShapeError);
      expect(
        disposeLater(lenet5())
          .eval()
          .forward(zeros([0, 28, 28, 1])).shape,
      ).toEqual([0, 10]);
      expect(cg.softmax(zeros([0, 3])).shape).toEqual([0, 3]);
    });
  });
  test("give gradients of zero", () => {
    scope(() => {
      const w = ones([2, 1, 3, 3]).requireGrad();
      cg.conv2d(zeros([0, 4, 4, 1]), w)
        .sum()
        .backward();
      expect(list(w.grad as Tensor)).toEqual(new Array(18).fill(0));
    });
  });
  test("have no mean and no statistics", () => {
    scope(() => {
      const labels = zeros([0], { dtype: "i32" });
      expect(() => cg.crossEntropy(zeros([0, 3]), labels)).toThrow(ShapeError);
      expect(() => cg.mse(zeros([0]), zeros([0]))).toThrow(ShapeError);
      expect(cg.crossEntropy(zeros([0, 3]), labels, { reduction: "sum" }).item()).toBe(0);
      expect(() => cg.mean(zeros([0]))).toThrow(ShapeError);
      expect(() => cg.batchNorm(zeros([0, 3]), ones([3]), zeros([3]))).toThrow(ShapeError);
      expect(() => cg.batchNorm(zeros([4, 0]), ones([0]), zeros([0]))).toThrow(ShapeError);
    });
  });
  test("a product over no terms is zero", () => {
    scope(() => expect(list(cg.matmul(zeros([2, 0]), zeros([0, 3])))).toEqual([0, 0, 0, 0, 0, 0]));
  });
});

describe("what a kernel would take for something else", () => {
  test("is refused before it runs", () => {
    scope(() => {
      const x = NDArray.full([2, 3], 1);
      expect(() => unary("f32_index_add" as never, x)).toThrow(ArgumentError);
      expect(() => concat([NDArray.full([4], 1, "u8"), NDArray.full([4], 1)], 0)).toThrow(DTypeError);
      expect(() => concat([NDArray.from([1], [1], "u8", 0.5), NDArray.full([4], 1)], 0)).toThrow(DTypeError);
      const [half, quarter] = [0.5, 0.25].map((step) => NDArray.from([1], [1], "u8", step));
      expect(() => concat([half, quarter], 0)).toThrow(DTypeError);
      expect(() => scatterAdd(x, NDArray.full([2, 3], 99, "i32"), [4])).toThrow(ArgumentError);
      expect(() => new NDArray(x.storage, [1000], "f32", null)).toThrow(ShapeError);
      expect(() => x.alias([1000])).toThrow(ShapeError);
      expect(() => matmul(x, x, { transB: true, accumulate: true } as never)).toThrow(ArgumentError);
    });
  });
  test("is no list of extents that another array or the caller holds", () => {
    scope(() => {
      const extents = [2, 3];
      const x = NDArray.zeros(extents);
      extents.reverse();
      const others = [x.alias(), x.reshape([2, 3]), x.clone(), unary("f32_neg", x), add(x, x), x.alias([2, 3])];
      for (const { shape } of others) (shape as number[]).reverse();
      expect(x.shape).toEqual([2, 3]);
      const wide = [3, 2];
      for (const y of [x.reshape(wide), x.alias(wide), broadcastTo(NDArray.zeros([1, 2]), wide)]) {
        (y.shape as number[]).reverse();
        expect(wide).toEqual([3, 2]);
      }
    });
  });
});

describe("options and labels", () => {
  test("unknown names are refused with the nearest one", () => {
    scope(() => {
      const x = ones([1, 3, 3, 1]);
      expect(() => cg.conv2d(x, ones([1, 1, 3, 3]), null, { strides: 2 } as never)).toThrow("did you mean stride?");
      expect(() => cg.crossEntropy(ones([1, 3]), [0], { labelSmooth: 0.1 } as never)).toThrow("labelSmoothing");
      expect(() => cg.maxPool2d(x, 2, { kernel: 3 } as never)).toThrow(ArgumentError);
      expect(() => cg.clip(x, 1, 0)).toThrow(ArgumentError);
      expect(() => cg.clip(x, Number.NaN, 0)).toThrow(ArgumentError);
    });
  });
  test("labels may be lists and typed arrays of whole numbers", () => {
    scope(() => {
      const logits = tensor([
        [1, 2],
        [3, 0],
      ]);
      const want = cg.crossEntropy(logits, tensor([1, 0], { dtype: "i32" })).item();
      expect(cg.crossEntropy(logits, [1, 0]).item()).toBe(want);
      expect(cg.crossEntropy(logits, Uint8Array.of(1, 0)).item()).toBe(want);
      for (const wrong of [
        [0.5, 0],
        [Number.NaN, 0],
        [0, 2],
      ])
        expect(() => cg.crossEntropy(logits, wrong)).toThrow(ArgumentError);
      expect(() => cg.crossEntropy(logits, [0])).toThrow(ShapeError);
    });
  });
});

test("reductions as functions", () => {
  scope(() => {
    const x = tensor([
      [1, 5, 3],
      [4, 2, 9],
    ]);
    expect(list(cg.sum(x, 1))).toEqual([9, 15]);
    expect(list(cg.mean(x, 0))).toEqual([2.5, 3.5, 6]);
    expect(list(cg.max(x, 1))).toEqual([5, 9]);
    expect(list(cg.min(x, 0))).toEqual([1, 2, 3]);
    expect(list(cg.argmax(x, 1))).toEqual([1, 2]);
    expect(list(cg.argmin(x, 1))).toEqual([0, 1]);
    expect(cg.sum(x, 1, true).shape).toEqual([2, 1]);
    const total = Math.log(Math.exp(1) + Math.exp(5) + Math.exp(3));
    list(cg.logSoftmax(x, 1))
      .slice(0, 3)
      .forEach((value, i) => {
        expect(value).toBeCloseTo([1, 5, 3][i] - total, 5);
      });
  });
});

describe("outside scopes", () => {
  const watch = (fn: () => { dispose(): void }): number => {
    const { arrays } = memory();
    fn().dispose();
    return memory().arrays - arrays;
  };
  test("nothing stays beside the result", () => {
    const [x, cond] = [ones([2, 3]), ones([2, 3], { dtype: "bool" })];
    expect(watch(() => cg.where(cond, x, 0))).toBe(0);
    expect(watch(() => cg.where(cond, 0, x))).toBe(0);
    expect(watch(() => cg.variance(x))).toBe(0);
    expect(watch(() => cg.stack([x, x]))).toBe(0);
    expect(watch(() => x.slice(0))).toBe(0);
    expect(watch(() => cg.crossEntropy(x, [0, 1]))).toBe(0);
    x.dispose();
    cond.dispose();
  });
  test("nor do the parts of products on codes", () => {
    const shapes = { x: [1, 3, 3, 2], w: [3, 2, 2, 2] };
    const [x, w] = [NDArray.full(shapes.x, 3, "u8"), NDArray.full(shapes.w, -2, "i8")];
    expect(watch(() => convForwardCodes(x, w, convolution("conv2d", shapes.x, shapes.w, {})))).toBe(0);
    const rows = NDArray.full([2, 4], 3, "u8");
    const weight = NDArray.full([3, 4], -2, "i8");
    expect(watch(() => linearForwardCodes(rows, weight))).toBe(0);
    for (const item of [x, w, rows, weight]) item.dispose();
  });
  test("a failing call frees the scalar that it made", () => {
    const x = ones([2], { dtype: "i32" });
    const { arrays } = memory();
    expect(() => cg.add(x, 1)).toThrow(DTypeError);
    expect(memory().arrays).toBe(arrays);
    x.dispose();
  });
});
