/** @file `multiply`: the product of two values, the axes of extent 1 repeated. */
import type { PlanMultiply } from "../../../format/nodes/rare/multiply.js";
import type { StepMaker } from "../../step.js";

export const multiply: StepMaker<PlanMultiply> = ({ inputs: [a, b], output, size, heap }) => {
  const [first, second] = [a, b].map(({ shape }) => placesOf(shape, output.shape));
  const [widthA, widthB] = [a, b].map(({ shape }) => shape.reduce((product, n) => product * n, 1));
  return (batch, [left, right], y) => {
    const x = heap().f32(left, batch * widthA);
    const by = heap().f32(right, batch * widthB);
    const to = heap().f32(y, batch * size);
    for (let n = 0; n < batch; n++) {
      for (let i = 0; i < size; i++) to[n * size + i] = x[n * widthA + first[i]] * by[n * widthB + second[i]];
    }
  };
};

/** Where the elements of a value lie that is spread over a shape. */
function placesOf(shape: readonly number[], wide: readonly number[]): Uint32Array {
  let places = Uint32Array.of(0);
  let below = 1;
  // From the last axis to the first: each repeats, or steps by, what lies below it.
  for (let axis = wide.length - 1; axis >= 0; axis--) {
    const step = shape[axis] === 1 ? 0 : below;
    const inner = places;
    places = Uint32Array.from({ length: wide[axis] * inner.length }, (_, i) => {
      return Math.floor(i / inner.length) * step + inner[i % inner.length];
    });
    below *= shape[axis];
  }
  return places;
}
