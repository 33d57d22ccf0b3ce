/** @file Reference kernels: two real arrays in, with suffix broadcasting. */
import { pow } from "../../core/math.js";
import type { Kernels, Ptr } from "../abi.js";
import type { Context } from "./context.js";

type Names =
  | "f32_add"
  | "f32_sub"
  | "f32_mul"
  | "f32_div"
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
export function binaryKernels({ heap, real }: Context): Pick<Kernels, Names> {
  function arithmetic(f: (a: number, b: number) => number) {
    return (aPtr: Ptr, bPtr: Ptr, outPtr: Ptr, len: number, aLen: number, bLen: number): void => {
      const a = real(aPtr, aLen);
      const b = real(bPtr, bLen);
      const out = real(outPtr, len);
      for (let i = 0; i < len; i++) out[i] = f(a[i % aLen], b[i % bLen]);
    };
  }
  function comparison(f: (a: number, b: number) => boolean) {
    return (aPtr: Ptr, bPtr: Ptr, outPtr: Ptr, len: number, aLen: number, bLen: number): void => {
      const a = real(aPtr, aLen);
      const b = real(bPtr, bLen);
      const out = heap.u8(outPtr, len);
      for (let i = 0; i < len; i++) out[i] = f(a[i % aLen], b[i % bLen]) ? 1 : 0;
    };
  }

  return {
    f32_add: arithmetic((a, b) => a + b),
    f32_sub: arithmetic((a, b) => a - b),
    f32_mul: arithmetic((a, b) => a * b),
    f32_div: arithmetic((a, b) => a / b),
    f32_pow: arithmetic(pow),
    f32_maximum: arithmetic(Math.max),
    f32_minimum: arithmetic(Math.min),
    f32_eq: comparison((a, b) => a === b),
    f32_ne: comparison((a, b) => a !== b),
    f32_lt: comparison((a, b) => a < b),
    f32_le: comparison((a, b) => a <= b),
    f32_gt: comparison((a, b) => a > b),
    f32_ge: comparison((a, b) => a >= b),
  };
}
