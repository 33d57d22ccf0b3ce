/** @file Reference kernels: two real arrays in, with suffix broadcasting. */
import { pow } from "../../core/math.js";
import type { Kernels, Ptr } from "../abi.js";
import type { Context } from "../context.js";
import { arithmetic } from "./arithmetic.js";

type Names =
  | "f32_pow"
  | "f32_maximum"
  | "f32_minimum"
  | "f32_eq"
  | "f32_ne"
  | "f32_lt"
  | "f32_le"
  | "f32_gt"
  | "f32_ge";

/** Twins of the binary kernels. */
export function binaryKernels(context: Context): Pick<Kernels, Names> {
  const { heap, real } = context;
  function comparison(f: (a: number, b: number) => boolean) {
    return (aPtr: Ptr, bPtr: Ptr, outPtr: Ptr, len: number, aLen: number, bLen: number): void => {
      const a = real(aPtr, aLen);
      const b = real(bPtr, bLen);
      const out = heap.u8(outPtr, len);
      for (let i = 0; i < len; i++) out[i] = f(a[i % aLen], b[i % bLen]) ? 1 : 0;
    };
  }

  return {
    f32_pow: arithmetic(context, pow),
    f32_maximum: arithmetic(context, Math.max),
    f32_minimum: arithmetic(context, Math.min),
    f32_eq: comparison((a, b) => a === b),
    f32_ne: comparison((a, b) => a !== b),
    f32_lt: comparison((a, b) => a < b),
    f32_le: comparison((a, b) => a <= b),
    f32_gt: comparison((a, b) => a > b),
    f32_ge: comparison((a, b) => a >= b),
  };
}
