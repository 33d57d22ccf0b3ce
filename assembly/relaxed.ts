/**
 * @file Entry of the look-up kernels with relaxed SIMD, which stand in for those of the other modules where an engine has it. A relaxed swizzle differs
 * from a plain one only for indices above 15, and packed weights have none: the results are the same integers.
 */
export { u4_lut_conv, u4_lut_conv_work } from "./lut-conv";
export { u4_lut_gemm, u4_lut_gemm_work } from "./lut-gemm";
