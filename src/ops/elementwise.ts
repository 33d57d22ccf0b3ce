/** @file Arithmetic of two operands with broadcasting. */
import { broadcastShapes, type Shape } from "../core/shape.js";
import { convert, floatTypeOf } from "../ndarray/convert.js";
import * as nd from "../ndarray/elementwise.js";
import type { NDArray } from "../ndarray/ndarray.js";
import type { OpDef } from "./op.js";

/** Shape rule of two real operands that broadcast. */
function broadcastRule(name: string): (inputs: readonly NDArray[]) => Shape {
  return ([a, b]) => {
    floatTypeOf(name, a, b);
    return broadcastShapes(name, a.shape, b.shape);
  };
}

/** a + b. */
export const add: OpDef<undefined, null> = {
  name: "add",
  shape: broadcastRule("add"),
  forward: ([a, b]) => ({ y: nd.add(a, b), saved: null }),
  backward: (dy) => [dy, dy],
};

/** a − b. */
export const sub: OpDef<undefined, null> = {
  name: "sub",
  shape: broadcastRule("sub"),
  forward: ([a, b]) => ({ y: nd.sub(a, b), saved: null }),
  backward: (dy, _saved, _attrs, { needs }) => [needs[0] ? dy : null, needs[1] ? nd.unary("f32_neg", dy) : null],
};

/** Operands that a gradient asks for; the others are not kept. */
export interface Operands {
  a: NDArray | null;
  b: NDArray | null;
}

/** a·b. */
export const mul: OpDef<undefined, Operands> = {
  name: "mul",
  shape: broadcastRule("mul"),
  forward: ([a, b], _attrs, { needs }) => ({
    y: nd.mul(a, b),
    saved: { a: needs[1] ? a : null, b: needs[0] ? b : null },
  }),
  backward: (dy, { a, b }) => [b && nd.mul(dy, b), a && nd.mul(dy, a)],
};

/** a / b. Saves the quotient only if b wants a gradient: d/db = −dy·y/b. */
export const div: OpDef<undefined, { b: NDArray; y: NDArray | null }> = {
  name: "div",
  shape: broadcastRule("div"),
  forward: ([a, b], _attrs, { needs }) => {
    const y = nd.div(a, b);
    return { y, saved: { b, y: needs[1] ? y : null } };
  },
  backward: (dy, { b, y }, _attrs, { needs }) => {
    const quotient = nd.div(dy, b);
    return [needs[0] ? quotient : null, y && nd.unary("f32_neg", nd.mul(quotient, y))];
  },
};

/**
 * a^b. da = dy·b·a^(b−1), 0 where b = 0; db = dy·a^b·ln a, 0 where a = 0 and b ≥ 0, NaN where a < 0.
 */
export const pow: OpDef<undefined, { a: NDArray; b: NDArray; y: NDArray | null }> = {
  name: "pow",
  shape: broadcastRule("pow"),
  forward: ([a, b], _attrs, { needs }) => {
    const y = nd.binary("f32_pow", a, b);
    return { y, saved: { a, b, y: needs[1] ? y : null } };
  },
  backward: (dy, { a, b, y }, _attrs, { needs }) => {
    const zero = nd.scalarLike(dy, 0);
    return [needs[0] ? powBase(dy, a, b, zero) : null, y && powExponent(dy, a, b, y, zero)];
  },
};

function powBase(dy: NDArray, a: NDArray, b: NDArray, zero: NDArray): NDArray {
  const slope = nd.mul(b, nd.binary("f32_pow", a, nd.sub(b, nd.scalarLike(dy, 1))));
  return nd.where(nd.compare("f32_eq", b, zero), zero, nd.mul(dy, slope));
}

function powExponent(dy: NDArray, a: NDArray, b: NDArray, y: NDArray, zero: NDArray): NDArray {
  const atZero = nd.compare("f32_eq", a, zero);
  const flat = nd.mul(convert(atZero, a.dtype), convert(nd.compare("f32_ge", b, zero), a.dtype));
  return nd.where(convert(flat, "bool"), zero, nd.mul(dy, nd.mul(y, nd.unary("f32_log", a))));
}

/**
 * Larger or smaller of two; where they are equal the gradient goes to `a` alone, where one is NaN to neither. The other
 * gets +0, whatever dy is.
 */
function extremum(
  name: string,
  kernel: "f32_maximum" | "f32_minimum",
  takesA: nd.CompareKernel,
  takesB: nd.CompareKernel,
): OpDef<undefined, { a: NDArray | null; b: NDArray | null }> {
  return {
    name,
    shape: broadcastRule(name),
    forward: ([a, b], _attrs, { needs }) => ({
      y: nd.binary(kernel, a, b),
      saved: {
        a: needs[0] ? nd.compare(takesA, a, b) : null,
        b: needs[1] ? nd.compare(takesB, a, b) : null,
      },
    }),
    backward: (dy, { a, b }) => [a && nd.maskScale(dy, a), b && nd.maskScale(dy, b)],
  };
}

/** max(a, b); NaN if either is NaN. Equal operands: the gradient goes to a. */
export const maximum = extremum("maximum", "f32_maximum", "f32_ge", "f32_lt");
/** min(a, b); NaN if either is NaN. Equal operands: the gradient goes to a. */
export const minimum = extremum("minimum", "f32_minimum", "f32_le", "f32_gt");
