/** @file What a graph does: accumulation, retention, freeing, detaching, depth. Values are worked out by hand. */
import { describe, expect, test } from "vitest";
import { add, crossEntropy, mul, tensor, zeros } from "../../src/autograd/functions.js";
import { gradEnabled, noGrad, traced } from "../../src/autograd/graph.js";
import { Tensor } from "../../src/autograd/tensor.js";
import { memory } from "../../src/kernels/engine.js";
import { scope } from "../../src/memory/scope.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { cpuMilliseconds } from "../cpu.js";

const leaf = (values: number[]): Tensor => tensor(values, { requiresGrad: true });

/** Runs in a scope and checks that nothing outlives it. */
function scoped(name: string, fn: () => void): void {
  test(name, () => {
    const before = memory().arrays;
    scope(fn);
    expect(memory().arrays).toBe(before);
  });
}

describe("accumulation", () => {
  scoped("d/dx Σ 3x = 3", () => {
    const x = leaf([1, 2]);
    x.mul(3).sum().backward();
    expect(x.grad?.toArray()).toEqual([3, 3]);
  });
  scoped("passes add up until the gradient is cleared", () => {
    const x = leaf([1, 2]);
    x.mul(3).sum().backward();
    x.mul(x).sum().backward();
    expect(x.grad?.toArray()).toEqual([5, 7]);
    x.zeroGrad();
    expect(x.grad).toBeNull();
    x.sum().backward();
    expect(x.grad?.toArray()).toEqual([1, 1]);
  });
  scoped("an operand used twice gets both parts: d/dx x·x = 2x, d/dx (x + x) = 2", () => {
    const x = leaf([3, -4]);
    mul(x, x).add(add(x, x)).sum().backward();
    expect(x.grad?.toArray()).toEqual([8, -6]);
  });
  scoped("diamonds: y = a·b with a = 2x, b = x + 1 has dy/dx = 4x + 2", () => {
    const x = leaf([1, 5]);
    const [a, b] = [x.mul(2), x.add(1)];
    a.mul(b).sum().backward();
    expect(x.grad?.toArray()).toEqual([6, 22]);
  });
  scoped("a ladder of diamonds doubles at every rung", () => {
    const x = leaf([1]);
    let y: Tensor = x;
    for (let i = 0; i < 20; i++) y = y.add(y);
    y.sum().backward();
    expect(x.grad?.item()).toBe(2 ** 20);
  });
  scoped("gradients of two leaves that were added do not share memory", () => {
    const [a, b] = [leaf([1, 2]), leaf([3, 4])];
    a.add(b).sum().backward();
    a.mul(10).sum().backward();
    expect(a.grad?.toArray()).toEqual([11, 11]);
    expect(b.grad?.toArray()).toEqual([1, 1]);
  });
  scoped("a seed weights the result, and is left as it was", () => {
    const x = leaf([1, 2]);
    const seed = tensor([10, 100]);
    x.mul(x).backward(seed);
    x.add(0).backward(seed);
    expect(x.grad?.toArray()).toEqual([30, 500]);
    expect(seed.toArray()).toEqual([10, 100]);
  });
  scoped("broadcast operands get the sum over what was repeated", () => {
    const row = leaf([1, 2, 3]);
    const column = tensor([[10], [20]], { requiresGrad: true });
    row.mul(column).sum().backward();
    expect(row.grad?.toArray()).toEqual([30, 30, 30]);
    expect(column.grad?.toArray()).toEqual([[6], [6]]);
  });
  scoped("a leaf is its own result", () => {
    const x = leaf([7]);
    x.backward();
    expect(x.grad?.toArray()).toEqual([1]);
  });
  scoped("retainGrad keeps an intermediate's gradient", () => {
    const x = leaf([2]);
    const y = x.mul(x).retainGrad();
    y.mul(5).sum().backward();
    expect(y.grad?.toArray()).toEqual([5]);
    expect(x.grad?.toArray()).toEqual([20]);
  });
});

describe("graphs", () => {
  scoped("a second pass over a freed graph is refused", () => {
    const x = leaf([1, 2]);
    const y = x.mul(x).sum();
    y.backward();
    expect(() => y.backward()).toThrow(
      "backward: the graph behind sum was already freed; expected a graph that backward has not walked yet, got a second pass; use backward({ retainGraph: true }) on the first pass",
    );
  });
  scoped("retainGraph allows a second pass, which adds the same again", () => {
    const x = leaf([1, 2]);
    const y = x.mul(x).sum();
    y.backward(null, { retainGraph: true });
    y.backward();
    expect(x.grad?.toArray()).toEqual([4, 8]);
  });
  scoped("a part that two results share can be walked once each with retainGraph", () => {
    const x = leaf([3]);
    const shared = x.exp();
    shared.mul(2).sum().backward(null, { retainGraph: true });
    shared.mul(3).sum().backward();
    expect(x.grad?.item()).toBeCloseTo(5 * Math.exp(3), 3);
  });
  scoped("backward frees what was saved", () => {
    const x = leaf([1, 2, 3]);
    const y = x.maximum(0).sum();
    const held = memory().arrays;
    y.backward();
    // The two masks of maximum go (the number's side wants none), the gradient of x comes.
    expect(memory().arrays).toBe(held - 1 + 1);
  });
  scoped("detach shares the values and stops the gradient", () => {
    const x = leaf([2, 3]);
    x.mul(x.detach()).sum().backward();
    expect(x.grad?.toArray()).toEqual([2, 3]);
    expect(x.detach().requiresGrad).toBe(false);
  });
  scoped("noGrad records nothing and ends with an exception too", () => {
    const x = leaf([2]);
    const y = noGrad(() => x.mul(x));
    expect(y.requiresGrad).toBe(false);
    expect(y.node).toBeNull();
    expect(() => y.backward()).toThrow("backward: no gradient reaches this tensor");
    expect(() => noGrad(() => x.add(tensor([1, 2, 3]).reshape([9])))).toThrow();
    expect(gradEnabled()).toBe(true);
  });
  scoped("tracing records ops that no gradient reaches", () => {
    const y = traced(() => tensor([1, 2]).exp().sum());
    expect(y.node?.op.name).toBe("sum");
    expect(y.node?.inputs[0].node?.op.name).toBe("exp");
    expect(tensor([1]).exp().node).toBeNull();
  });
  scoped("only what is asked for gets a gradient", () => {
    const x = leaf([1, 2]);
    const constant = tensor([3, 4]);
    x.mul(constant).sum().backward();
    expect(constant.grad).toBeNull();
  });
  scoped("several elements need a seed, of the right shape", () => {
    const x = leaf([1, 2]);
    expect(() => x.mul(2).backward()).toThrow(
      "backward: a result of several elements needs a seed; expected a single element, or backward(seed), got [2]; take a sum or a mean first",
    );
    expect(() => x.mul(2).backward(tensor([1, 2, 3]))).toThrow("backward: seed; expected [2], got [3]");
  });
  scoped("integers cannot want a gradient", () => {
    expect(() => tensor([1, 2], { dtype: "i32", requiresGrad: true })).toThrow(
      'requireGrad: not a real tensor; expected f32 or f64, got i32; convert it with cast("f32")',
    );
  });
  scoped("gradients pass through codes to what made them", () => {
    // A coded leaf stands for step·code; ops see real values, and the gradient is with respect to those.
    const codes = new Tensor(NDArray.from([0, 1, 3], [3], "u8", 0.5));
    codes.requiresGrad = true;
    codes.mul(codes).sum().backward();
    expect(codes.grad?.toArray()).toEqual([0, 1, 3]);
    expect(codes.reshape([3, 1]).data.coded).toBe(true);
  });
});

describe("depth", () => {
  test("a chain of 100,000 ops neither overflows nor crawls", () => {
    const start = process.cpuUsage();
    scope(() => {
      const x = leaf([1]);
      let y: Tensor = x;
      for (let i = 0; i < 100_000; i++) y = y.add(1);
      expect(y.item()).toBe(100_001);
      y.backward();
      expect(x.grad?.toArray()).toEqual([1]);
    });
    // Linear work takes a second or two on a slow machine; quadratic work takes hours.
    expect(cpuMilliseconds(start)).toBeLessThan(30_000);
  });
  test("a deep history survives being returned from a scope", () => {
    scope(() => {
      const x = leaf([2]);
      const y = scope(() => {
        let z: Tensor = x;
        for (let i = 0; i < 20_000; i++) z = z.mul(1);
        return z;
      });
      y.backward();
      expect(x.grad?.toArray()).toEqual([1]);
    });
  });
});

describe("memory", () => {
  test("is the same after step 10 and step 1000 of a training loop", () => {
    const weight = leaf([0.1, -0.2, 0.3, 0.4, -0.5, 0.6]).persist();
    const labels = [0, 1, 1, 0];
    const figures: { arrays: number; bytes: number; reservedBytes: number }[] = [];
    for (let step = 1; step <= 1000; step++) {
      scope(() => {
        weight.zeroGrad();
        const x = tensor([
          [1, 2, 3],
          [0, 1, -1],
          [2, 0, 1],
          [-1, 1, 0],
        ]);
        const logits = x.matmul(weight.reshape([3, 2])).relu();
        crossEntropy(logits, tensor(labels, { dtype: "i32" })).backward();
        const updated = noGrad(() => weight.sub((weight.grad as Tensor).mul(0.1)));
        weight.data.assign(updated.data);
      });
      if (step === 10 || step === 1000) {
        const { arrays, bytes, reservedBytes } = memory();
        figures.push({ arrays, bytes, reservedBytes });
      }
    }
    expect(figures[1]).toEqual(figures[0]);
    weight.dispose();
  });
  test("a gradient of a persistent tensor outlives the scope of its pass", () => {
    const x = leaf([1, 2]).persist();
    scope(() => x.mul(4).sum().backward());
    expect(x.grad?.toArray()).toEqual([4, 4]);
    x.dispose();
    expect(x.grad).toBeNull();
  });
  test("without a scope, numbers as operands leave nothing behind", () => {
    const x = zeros([2]);
    const before = memory().arrays;
    using y = x.add(1);
    expect(y.toArray()).toEqual([1, 1]);
    expect(memory().arrays).toBe(before + 1);
    x.dispose();
  });
  test("a coded tensor frees the real values that were made of it", () => {
    const before = memory().arrays;
    const codes = new Tensor(NDArray.from([1, 2], [2], "u8", 0.5));
    codes.exp().dispose();
    codes.dispose();
    expect(memory().arrays).toBe(before);
  });
});
