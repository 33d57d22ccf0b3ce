/** @file Binary kernels with every way of suffix broadcasting. */
import fc from "fast-check";
import { agree, both, type Check, expectClose, input, output, property, reals, ulp } from "../harness.js";

// [rows, period]: `a` or `b`, both or neither have all rows; the periods meet every remainder of 4.
const shapes = fc.record({
  rows: fc.constantFrom(0, 1, 2, 3, 4, 5, 8, 9, 33),
  period: fc.constantFrom(1, 2, 3, 4, 5, 6, 8, 10, 16, 17, 1100),
  repeats: fc.constantFrom("none", "a", "b", "both"),
});

type Names =
  | "f32_add"
  | "f32_sub"
  | "f32_mul"
  | "f32_div"
  | "f32_maximum"
  | "f32_minimum"
  | "f32_eq"
  | "f32_ne"
  | "f32_lt"
  | "f32_le"
  | "f32_gt"
  | "f32_ge"
  | "f32_pow";

const check = (name: Names, comparison: boolean): Check => {
  return () =>
    property(shapes, (rng, { rows, period, repeats }) => {
      const len = rows * period;
      const aLen = repeats === "a" || repeats === "both" ? period : len;
      const bLen = repeats === "b" || repeats === "both" ? period : len;
      const a = reals(rng, aLen);
      const b = reals(rng, bLen);
      if (comparison) for (let i = 0; i < Math.min(aLen, bLen); i += 3) b[i] = a[i]; // equal pairs
      const out = comparison ? new Uint8Array(len) : new Float32Array(len);
      const args = [input(a), input(b), output(out), len, aLen, bLen];
      if (name === "f32_pow") {
        const result = both(name, ...args);
        const want = result.twin.outputs[0];
        expectClose(name, result.wasm.outputs[0], want, (i) => ulp(want[i]));
      } else {
        agree(name, ...args);
      }
    });
};

export const binary = {
  f32_add: check("f32_add", false),
  f32_sub: check("f32_sub", false),
  f32_mul: check("f32_mul", false),
  f32_div: check("f32_div", false),
  f32_pow: check("f32_pow", false),
  f32_maximum: check("f32_maximum", false),
  f32_minimum: check("f32_minimum", false),
  f32_eq: check("f32_eq", true),
  f32_ne: check("f32_ne", true),
  f32_lt: check("f32_lt", true),
  f32_le: check("f32_le", true),
  f32_gt: check("f32_gt", true),
  f32_ge: check("f32_ge", true),
} satisfies Record<string, Check>;
