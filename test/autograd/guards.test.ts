/**
 * @file What a graph refuses: inputs that are no tensors, bad results of rules, seeds of another kind, saved arrays
 * that were written to.
 */
import { describe, expect, it } from "vitest";
import {
  ArgumentError,
  apply,
  arrays,
  CoarsegradError,
  DisposedError,
  DTypeError,
  defineOp,
  full,
  GradientError,
  memory,
  NDArray,
  ShapeError,
  scope,
  Tensor,
  tensor,
} from "../../src/index.js";
import { BatchNorm1d, init as initial, Linear, Parameter } from "../../src/nn/index.js";
import { Adam, BCGD, SGD } from "../../src/optim/index.js";
import { binary, QuantLinear } from "../../src/quant/index.js";

const values = (x: Tensor | null): number[] => Array.from(x!.toTypedArray());

describe("seeds", () => {
  it.each(["f64", "i32", "u8", "i8", "bool"] as const)("of type %s are refused before anything is written", (dtype) => {
    scope(() => {
      const x = tensor(new Float32Array(1024), { requiresGrad: true });
      x.backward(full([1024], 1));
      const others = Array.from({ length: 8 }, () => full([1024], 7));
      expect(() => x.backward(full([1024], 1, { dtype }))).toThrow(DTypeError);
      expect(() => x.relu().backward(full([1024], 1, { dtype }))).toThrow(/seed/);
      for (const other of others) expect(new Set(values(other))).toEqual(new Set([7]));
      expect(new Set(values(x.grad))).toEqual(new Set([1]));
    });
  });
  it("that are no tensors, and unknown options, are refused", () => {
    scope(() => {
      const x = tensor([1], { requiresGrad: true });
      for (const seed of [1, [1], "1", {}]) expect(() => x.backward(seed as never)).toThrow(ArgumentError);
      expect(() => x.backward(null, { retain_graph: true } as never)).toThrow("did you mean retainGraph?");
      expect(x.grad).toBeNull();
    });
  });
});

describe("inputs and results of ops", () => {
  it("must be live tensors", () => {
    scope(() => {
      const x = tensor([1, 2]);
      for (const other of [[1, 2], "1", null, undefined, {}, new Float32Array(2)]) {
        expect(() => x.add(other as never)).toThrow(ArgumentError);
        expect(() => x.matmul(other as never)).toThrow(ArgumentError);
      }
      const gone = tensor([1, 2]);
      gone.dispose();
      expect(() => x.add(gone)).toThrow(DisposedError);
      expect(() => apply(undefined as never, [x], undefined)).toThrow(ArgumentError);
      expect(() => apply({ name: "half" } as never, [x], undefined)).toThrow(ArgumentError);
    });
  });
  const rule = (y: (x: NDArray) => unknown, dx: (dy: NDArray) => unknown = (dy) => [dy]) =>
    defineOp({
      name: "mine",
      shape: ([x]) => x.shape,
      forward: ([x]) => ({ y: y(x) as NDArray, saved: null }),
      backward: (dy) => dx(dy) as NDArray[],
    });
  it.each([
    ["an output of another shape", () => NDArray.zeros([3]), ShapeError],
    ["no array", () => [1, 2], ArgumentError],
    ["nothing", () => undefined, ArgumentError],
    [
      "a disposed output",
      () => {
        const y = NDArray.zeros([2]);
        y.dispose();
        return y;
      },
      ShapeError,
    ],
  ] as [string, () => unknown, typeof ShapeError][])(
    "forward that gives %s is refused and leaves nothing",
    (_what, y, type) => {
      scope(() => {
        const x = tensor([1, 2], { requiresGrad: true });
        const before = memory().arrays;
        expect(() => rule(y)([x])).toThrow(type);
        expect(memory().arrays).toBe(before);
      });
    },
  );
  it.each([
    ["another type", () => [NDArray.zeros([2], "f64")]],
    ["another shape", () => [NDArray.zeros([3])]],
    ["no array", () => [[1, 2]]],
    ["no list", () => NDArray.zeros([2])],
    ["too many", (dy: NDArray) => [dy, dy]],
  ] as [string, (dy: NDArray) => unknown][])("backward that gives %s is refused, gradients stay", (_what, dx) => {
    scope(() => {
      const x = tensor([1, 2], { requiresGrad: true });
      const other = tensor([3, 4], { requiresGrad: true });
      const loss = rule(
        (a) => arrays.mul(a, a),
        dx,
      )([x])
        .add(other)
        .sum();
      expect(() => loss.backward()).toThrow(/mine/);
      expect([x.grad, other.grad]).toEqual([null, null]);
    });
  });
});

/** Writes into a parameter or buffer between a forward pass that saved it and the backward pass. */
const layer = (): Linear => {
  const linear = new Linear(2, 2, { bias: false });
  linear.weight.name = "fc.weight";
  return linear;
};
const step =
  (make: (p: Parameter[]) => { step(): void; dispose(): void }) =>
  (linear: Linear): void => {
    linear
      .forward(tensor([[1, 1]]))
      .sum()
      .backward();
    const optimizer = make(linear.parameters());
    optimizer.step();
    optimizer.dispose();
  };
const WRITERS: Record<string, [(linear: Linear) => void, RegExp]> = {
  "an optimizer's step": [step((p) => new SGD(p, { lr: 1 })), /SGD\.step/],
  "Adam's step": [step((p) => new Adam(p, { lr: 1 })), /Adam\.step/],
  set: [(linear) => linear.weight.set([1, 2, 3, 4]), /set/],
  assign: [(linear) => linear.weight.data.assign(NDArray.zeros([2, 2])), /assign/],
  "assign through an alias": [(linear) => linear.weight.data.reshape([4]).assign(NDArray.zeros([4])), /assign/],
  loadStateDict: [(linear) => linear.loadStateDict({ weight: NDArray.zeros([2, 2]) }), /loadStateDict/],
  init: [(linear) => initial.constant(linear.weight, 0), /init/],
};

describe("arrays that a graph saved", () => {
  it.each(Object.entries(WRITERS))("and that %s changed since are refused by name", (_what, [write, writer]) => {
    const linear = layer();
    scope(() => {
      const x = tensor([[3, 4]], { requiresGrad: true });
      const loss = linear.forward(x).sum();
      write(linear);
      linear.zeroGrad();
      expect(() => loss.backward()).toThrow(GradientError);
      expect(() => loss.backward()).toThrow(/fc\.weight, f32 \[2,2\], that \w+ saved was changed since/);
      expect(() => loss.backward()).toThrow(writer);
      expect([x.grad, linear.weight.grad]).toEqual([null, null]);
    });
    linear.dispose();
  });
  it("a second pass over a kept graph is refused after a step", () => {
    const w = new Parameter(NDArray.from([3], [1]));
    scope(() => {
      const y = w.mul(w).sum();
      y.backward(null, { retainGraph: true });
      y.backward(null, { retainGraph: true });
      expect(values(w.grad)).toEqual([12]);
      new SGD([w], { lr: 1 }).step();
      expect(() => y.backward()).toThrow(/SGD\.step/);
    });
    w.dispose();
  });
  it("blended and quantized weights are watched too", () => {
    const quantized = new QuantLinear(layer(), { weights: binary() });
    scope(() => {
      const x = tensor([[3, 4]], { requiresGrad: true });
      const loss = quantized.forward(x).sum();
      quantized
        .forward(tensor([[1, 2]]))
        .sum()
        .backward();
      new BCGD(quantized.parameters(), { lr: 1, rho: 0.5 }).step();
      quantized.forward(tensor([[1, 2]])); // projects anew
      expect(() => loss.backward()).toThrow(CoarsegradError);
      expect(x.grad).toBeNull();
    });
    quantized.dispose();
  });
  it("running statistics that evaluation saved are watched", () => {
    const norm = new BatchNorm1d(2);
    norm.weight.set([2, 3]);
    scope(() => {
      const x = tensor(
        [
          [1, 2],
          [3, 5],
        ],
        { requiresGrad: true },
      );
      norm.eval();
      const loss = norm.forward(x).sum();
      norm.train();
      norm.forward(x);
      expect(() => loss.backward()).toThrow(GradientError);
    });
    norm.dispose();
  });
  it("disposed of are refused by name", () => {
    scope(() => {
      const x = tensor([1, 2], { requiresGrad: true });
      const y = tensor([3, 4]);
      const loss = x.mul(y).sum();
      y.dispose();
      expect(() => loss.backward()).toThrow(/that mul saved was disposed of/);
      expect(x.grad).toBeNull();
    });
  });
  it("arrays that backward does not read may change", () => {
    scope(() => {
      const x = tensor([1, 2], { requiresGrad: true });
      const y = tensor([3, 4]);
      const loss = x.add(y).sum();
      y.data.assign(NDArray.zeros([2]));
      loss.backward();
      expect(values(x.grad)).toEqual([1, 1]);
    });
  });
  it("real values of codes follow a change of the codes", () => {
    scope(() => {
      const codes = new Tensor(NDArray.from(Uint8Array.of(1, 2), [2], "u8", 0.5));
      expect(values(codes.add(0))).toEqual([0.5, 1]);
      codes.data.assign(NDArray.from(Uint8Array.of(4, 6), [2]));
      expect(values(codes.add(0))).toEqual([2, 3]);
    });
  });
});

describe("a gradient put in by hand", () => {
  it("of another kind is refused before anything is added", () => {
    scope(() => {
      const x = tensor([1, 2], { requiresGrad: true });
      const canary = full([2], 7);
      for (const gradient of [NDArray.zeros([2], "f64"), NDArray.zeros([3]), NDArray.zeros([2], "u8")]) {
        x.gradient = gradient;
        expect(() => x.mul(2).sum().backward()).toThrow(GradientError);
      }
      expect(values(canary)).toEqual([7, 7]);
    });
  });
});
