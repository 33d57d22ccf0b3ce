/**
 * @file Entry of the packed runtime's kernel module: the lines of src/kernels/abi.ts that src/infer calls, and no
 * others.
 */
export { f32_add } from "./elementwise/binary";
export { f32_channel_affine, i32_scale_bias } from "./norm/channel";
export { u8_maxpool_codes } from "./pool/codes";
export { b32_strided_copy, b32_strided_scatter, b8_strided_copy, b8_strided_scatter, u8_dequantize } from "./convert/convert";
export { f32_relu, f32_scale_shift } from "./elementwise/unary";
export { f32_gemm, f32_gemm_work } from "./products/gemm";
export { u8_i8_gemm } from "./products/integer";
export { i32_threshold } from "./staircase/threshold";
export { i8_quad_pack } from "./conv/quad-pack";
export { u8_i8_conv, u8_i8_conv_work } from "./conv/bytes";
export { i32_line_codes } from "./staircase/lines";
export { u4_lut_conv, u4_lut_conv_work } from "./conv/lut";
export { u4_lut_gemm, u4_lut_gemm_work } from "./products/lut-gemm";
export { i8_lut_pack } from "./products/lut-pack";
export { f32_avgpool, f32_maxpool } from "./pool/pool";
export { f32_depthwise, u8_depthwise, u8_depthwise_work } from "./conv/depthwise";
export { i32_residual_codes } from "./staircase/residual";
export { f32_staircase } from "./staircase/staircase";
export { f32_im2col, u8_im2col } from "./conv/window";
