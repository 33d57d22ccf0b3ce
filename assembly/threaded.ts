/**
 * @file Entry of the kernel module over shared memory: all kernels, and those parts of them that a range of addresses alone cannot say.
 * Which kernel is split how is written in src/kernels/threads/rules.ts.
 */
export * from "./index";
export { f32_batchnorm_bwd_input_part } from "./norm/channel";
export { f32_batchnorm_bwd_reduce_part } from "./norm/gradients";
export { f32_channel_squares_part } from "./norm/stats";
export { f32_gemm_part } from "./products/gemm";
export { f32_batchnorm_relu_bwd_part, f32_batchnorm_staircase_bwd_part } from "./norm/activation-gradients";
export { f32_avgpool_bwd_part, f32_avgpool_part, f32_maxpool_part, u8_maxpool_part } from "./pool/pool";
export { f32_column_sums_part } from "./reduce/reduce";
export { f32_winograd_bwd_weight_part, u8_winograd_bwd_weight_f32_part } from "./winograd/winograd";
