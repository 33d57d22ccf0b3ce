/** @file User-defined ops: exact, coarse, and wrong ones. */
import { expect, test } from "vitest";
import { defineOp } from "../../src/autograd/define.js";
import { tensor } from "../../src/autograd/functions.js";
import { scope } from "../../src/memory/scope.js";
import { mul, scaleShift, unary } from "../../src/ndarray/elementwise.js";
import type { NDArray } from "../../src/ndarray/ndarray.js";
import type { OpDef } from "../../src/ops/op.js";
import { checkGradients } from "../gradcheck.js";

const cubeDef: OpDef<undefined, { x: NDArray }> = {
  name: "cube",
  shape: ([x]) => x.shape,
  forward: ([x]) => ({ y: mul(mul(x, x), x), saved: { x } }),
  backward: (dy, { x }) => [mul(scaleShift(mul(x, x), 3), dy)],
};

test("a defined op is differentiated like a built-in one", () => {
  const cube = defineOp(cubeDef);
  scope(() => {
    const x = tensor([1, -2], { requiresGrad: true });
    cube([x]).sum().backward();
    expect(x.grad?.toArray()).toEqual([3, 12]);
  });
  checkGradients(cubeDef, { inputs: [[3, 2]] }, 4);
});

test("the gradient check finds a wrong rule", () => {
  const wrong: typeof cubeDef = { ...cubeDef, backward: (dy, { x }) => [mul(scaleShift(mul(x, x), 3.0001), dy)] };
  expect(() => checkGradients(wrong, { inputs: [[3, 2]] }, 4)).toThrow("cube");
});

test("a coarse rule replaces the derivative, and chains with exact ones", () => {
  // Heaviside forward; backward pretends that it is a clipped ramp on (0, 1].
  const heaviside = defineOp<{ top: number }, { x: NDArray }>({
    name: "heaviside",
    coarse: true,
    shape: ([x]) => x.shape,
    forward: ([x]) => ({ y: unary("f32_relu", unary("f32_sign", x)), saved: { x } }),
    backward: (dy, { x }, { top }) => {
      const dx = dy.clone();
      const [from, to] = [x.view(), dx.view()];
      for (let i = 0; i < to.length; i++) if (!(from[i] > 0 && from[i] <= top)) to[i] = 0;
      return [dx];
    },
  });
  scope(() => {
    const x = tensor([-1, 0, 0.5, 1, 1.5], { requiresGrad: true });
    const y = heaviside([x.mul(2)], { top: 2 });
    expect(y.toArray()).toEqual([0, 0, 1, 1, 1]);
    y.mul(tensor([1, 2, 3, 4, 5]))
      .sum()
      .backward();
    expect(x.grad?.toArray()).toEqual([0, 0, 6, 8, 0]);
  });
});

test("temporaries of forward and backward are freed, saved state after the pass", () => {
  const cube = defineOp(cubeDef);
  scope(() => {
    const x = tensor([1, -2], { requiresGrad: true });
    const y = cube([x]);
    y.backward(tensor([1, 1]));
    expect(y.node?.saved).toBeUndefined();
  });
});

test("a rule that gives too few gradients, none, or one of the wrong shape is named", () => {
  const few = defineOp<undefined, null>({
    ...cubeDef,
    name: "few",
    forward: ([x]) => ({ y: x, saved: null }),
    backward: () => [],
  });
  const none = defineOp<undefined, null>({
    ...cubeDef,
    name: "none",
    forward: ([x]) => ({ y: x, saved: null }),
    backward: () => [null],
  });
  scope(() => {
    const x = tensor([1, 2], { requiresGrad: true });
    expect(() => few([x]).sum().backward()).toThrow("few: number of gradients from backward; expected 1, got 0");
    expect(() => none([x]).sum().backward()).toThrow("none: backward gave no gradient for an input that needs one");
  });
  const odd = defineOp<undefined, null>({
    ...cubeDef,
    name: "odd",
    forward: ([x]) => ({ y: x, saved: null }),
    backward: (dy) => [dy.reshape([1, -1, 1]).reshape([dy.size, 1])],
  });
  scope(() => {
    const x = tensor([1, 2], { requiresGrad: true });
    expect(() => odd([x]).sum().backward()).toThrow("odd: shape of a gradient; expected [2], got [2,1]");
  });
});

test("saved arrays that belong to others are not freed", () => {
  scope(() => {
    const table = tensor([5, 7]);
    const lookup = defineOp<undefined, { table: NDArray; own: NDArray }>({
      name: "lookup",
      shape: ([x]) => x.shape,
      forward: ([x]) => ({ y: mul(x, table.data), saved: { table: table.data, own: table.data.clone() } }),
      backward: (dy, { own }) => [mul(dy, own)],
    });
    const x = tensor([1, 2], { requiresGrad: true });
    const y = lookup([x]);
    const saved = y.node?.saved as { own: NDArray };
    y.sum().backward();
    expect(x.grad?.toArray()).toEqual([5, 7]);
    expect(saved.own.alive).toBe(false);
    expect(table.toArray()).toEqual([5, 7]);
  });
});

test("an op may hand its input through", () => {
  const same = defineOp<undefined, null>({
    name: "same",
    shape: ([x]) => x.shape,
    forward: ([x]) => ({ y: x, saved: null }),
    backward: (dy) => [dy],
  });
  scope(() => {
    const x = tensor([1, 2], { requiresGrad: true });
    same([x]).dispose();
    expect(x.toArray()).toEqual([1, 2]);
    same([x]).mul(2).sum().backward();
    expect(x.grad?.toArray()).toEqual([2, 2]);
  });
});

test("an incomplete definition is refused", () => {
  expect(() => defineOp({ name: "", backward: 3 } as never)).toThrow(
    "defineOp: incomplete definition; expected name, shape, forward and backward, got none or a wrong name, shape, forward, backward (a function or null)",
  );
});
