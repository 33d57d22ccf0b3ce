/** @file Activations: functions of each element, and one whose slope is learned. */
import { ShapeError } from "../core/errors.js";
import { broadcastShapes, sameShape, shapeText } from "../core/shape.js";
import { type Activation, activate, activateBackward } from "../ndarray/activation.js";
import { expectNumbers } from "../ndarray/checks.js";
import { floatTypeOf } from "../ndarray/convert.js";
import * as nd from "../ndarray/elementwise.js";
import type { NDArray } from "../ndarray/ndarray.js";
import type { OpDef } from "./op.js";

/** α and scale of the scaled exponential linear unit, as its paper derives them. */
export const SELU = { alpha: 1.6732632423543772, scale: 1.0507009873554805 } as const;

/** fn(x) by its name; dx = dy·fn′(x). */
export const activation: OpDef<Activation, { x: NDArray }> = {
  name: "activation",
  shape: ([x], { fn, alpha, beta }) => {
    floatTypeOf(fn, x);
    expectNumbers(fn, { alpha, beta });
    return x.shape;
  },
  forward: ([x], attrs) => ({ y: activate(x, attrs), saved: { x } }),
  backward: (dy, { x }, attrs) => [activateBackward(x, dy, attrs)],
};

/** State that {@link prelu} keeps. */
export interface Sloped {
  readonly x: NDArray;
  readonly slope: NDArray;
}

const positive = (x: NDArray): NDArray => nd.compare("f32_gt", x, nd.scalarLike(x, 0));

/** x > 0 ? x : slope·x, one slope for all or one per channel (last axis). Derivatives: 1 or slope; x where x ≤ 0. */
export const prelu: OpDef<undefined, Sloped> = {
  name: "prelu",
  shape: ([x, slope]) => {
    floatTypeOf("prelu", x, slope);
    const perChannel = slope.rank === 1 && slope.size === x.shape.at(-1);
    if (slope.size !== 1 && !perChannel) {
      const expected = `one, or one per channel of ${shapeText(x.shape)}`;
      throw new ShapeError({ op: "prelu", what: "slopes", expected, got: shapeText(slope.shape) });
    }
    const shape = broadcastShapes("prelu", x.shape, slope.shape);
    if (!sameShape(shape, x.shape)) {
      throw new ShapeError({
        op: "prelu",
        what: "slopes",
        expected: "no axes more than x",
        got: shapeText(slope.shape),
      });
    }
    return shape;
  },
  forward: ([x, slope]) => ({ y: nd.where(positive(x), x, nd.mul(x, slope)), saved: { x, slope } }),
  backward: (dy, { x, slope }, _attrs, { needs }) => {
    const mask = positive(x);
    return [
      needs[0] ? nd.where(mask, dy, nd.mul(dy, slope)) : null,
      needs[1] ? nd.maskScale(nd.mul(dy, x), nd.invertMask(mask)) : null,
    ];
  },
};
