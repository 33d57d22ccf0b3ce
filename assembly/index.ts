/** @file Entry of the kernel module. Every export is a line of src/kernels/abi.ts, where its meaning is written. */
export {
  f32_add,
  f32_div,
  f32_eq,
  f32_ge,
  f32_gt,
  f32_le,
  f32_lt,
  f32_maximum,
  f32_minimum,
  f32_mul,
  f32_ne,
  f32_pow,
  f32_sub,
} from "./elementwise/binary";
export { f32_batchnorm, f32_batchnorm_bwd_input, f32_channel_affine, i32_scale_bias } from "./norm/channel";
export { f32_batchnorm_bwd_reduce } from "./norm/gradients";
export { f32_channel_stats } from "./norm/stats";
export {
  f32_sign_codes,
  f32_ternary_codes,
  f32_uniform_codes,
  i8_count_different,
  i8_dot_f32,
  i8_sum_squares,
} from "./codes/codes";
export { f32_conv_bwd_input } from "./conv/direct-input";
export { f32_conv, f32_conv_bwd_weight, f32_conv_work, u8_conv_bwd_weight_f32, u8_conv_f32 } from "./conv/direct";
export {
  b32_strided_copy,
  b32_strided_scatter,
  b64_strided_copy,
  b64_strided_scatter,
  b8_strided_copy,
  b8_strided_scatter,
  f32_fill,
  f32_to_i32,
  i32_to_f32,
  i8_dequantize,
  u8_dequantize,
} from "./convert/convert";
export {
  f32_abs,
  f32_axpy,
  f32_ceil,
  f32_clip,
  f32_clip_bwd,
  f32_exp,
  f32_floor,
  f32_log,
  f32_mask_scale,
  f32_neg,
  f32_relu,
  f32_relu_bwd,
  f32_round,
  f32_scale_shift,
  f32_sigmoid,
  f32_sign,
  f32_sqrt,
  f32_tanh,
  f32_where,
} from "./elementwise/unary";
export { u8_maxpool_codes } from "./pool/codes";
export { f32_gemm, f32_gemm_work } from "./products/gemm";
export { i8_pair_pack, u8_i8_conv, u8_i8_conv_work } from "./conv/bytes";
export { i32_line_codes } from "./staircase/lines";
export { i32_threshold, u8_i8_gemm } from "./products/integer";
export { u4_lut_conv, u4_lut_conv_work } from "./conv/lut";
export { u4_lut_gemm, u4_lut_gemm_work } from "./products/lut-gemm";
export { i8_bits, i8_lut_pack, u8_max } from "./products/lut-pack";
export { f32_batchnorm_activation_work, f32_batchnorm_relu, f32_batchnorm_staircase } from "./norm/activation";
export { f32_batchnorm_relu_bwd, f32_batchnorm_staircase_bwd } from "./norm/activation-gradients";
export { f32_adam_step, f32_blend, f32_sgd_step } from "./optim/optim";
export { f32_planes_pack } from "./winograd/planes";
export { f32_avgpool, f32_avgpool_bwd, f32_index_add, f32_maxpool, u8_maxpool } from "./pool/pool";
export {
  f32_abs_max,
  f32_abs_sum,
  f32_argmax,
  f32_argmin,
  f32_count_nonfinite,
  f32_max,
  f32_min,
  f32_sum,
  f32_sum_squares,
} from "./reduce/reduce";
export { i32_residual_codes } from "./staircase/residual";
export { f32_log_softmax, f32_log_softmax_bwd, f32_softmax, f32_softmax_bwd } from "./reduce/softmax";
export { f32_staircase, f32_staircase_bwd, f32_staircase_dalpha, u8_histogram } from "./staircase/staircase";
export { f32_col2im, f32_im2col, u8_im2col, u8_im2col_f32 } from "./conv/window";
export {
  f32_winograd_bwd_input,
  f32_winograd_bwd_input_work,
  f32_winograd_bwd_weight,
  f32_winograd_bwd_weight_work,
  f32_winograd_contract,
  f32_winograd_conv,
  f32_winograd_conv_work,
  f32_winograd_expand,
  u8_winograd_bwd_weight_f32,
} from "./winograd/winograd";
