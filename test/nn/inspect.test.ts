/** @file What `console.log` shows of tensors and networks. */
import { inspect } from "node:util";
import { expect, it } from "vitest";
import { Tensor } from "../../src/autograd/tensor.js";
import { scope } from "../../src/memory/scope.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { Linear, ReLU, Sequential } from "../../src/nn/index.js";
import { disposeLater } from "../leaks.js";

it("tensors show type, shape and values, wherever they stand", () => {
  scope(() => {
    const x = new Tensor(NDArray.from([1, 2, 3, 4], [2, 2]));
    expect(inspect(x)).toBe("Tensor f32 [2,2]\n[[1. 2.]\n [3. 4.]]");
    expect(inspect({ x: x.requireGrad() })).toContain("Tensor f32 [2,2] (requires a gradient)");
    expect(inspect(new Tensor(NDArray.from([1, 2], [2], "u8", 0.5)))).toBe(
      "Tensor u8 [2] (codes of step 0.5)\n[0.5 1. ]",
    );
    x.dispose();
    expect(inspect(x)).toBe("Tensor f32 [2,2] (requires a gradient, disposed of)");
  });
});

it("networks show their layers and how much is trained", () => {
  const net = disposeLater(new Sequential(new Linear(2, 3), new ReLU()));
  expect(inspect(net)).toBe("Sequential(\n  (0): Linear(2 → 3)\n  (1): ReLU()\n)\n9 trained values");
  class _Renamed extends ReLU {}
  expect(`${new _Renamed()}`).toBe("Renamed()");
  expect(inspect((net[0] as Linear).bias)).toMatch(/^Tensor f32 \[3\] \(requires a gradient\)\n\[/);
});
