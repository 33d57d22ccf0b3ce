/**
 * @file Which kernel is split how. A kernel without a rule runs on the calling thread; so does one whose problem is small.
 *
 * Every rule keeps the bits: parts write different elements, and where something is added up, in the kernel's own order.
 */
import { cut, dense, inOrder, type Moving, type Rule, rows } from "./chunks.js";
import { CONVOLUTION_RULES } from "./convolutions.js";
import { IMAGE_RULES } from "./images.js";
import { NORM_RULES } from "./norms.js";
import { PRODUCT_RULES } from "./products.js";
import { overOuter, SUM_RULES } from "./sums.js";

// Nanoseconds of an element: bandwidth-bound, some arithmetic, and series of it.
const LIGHT = 0.3;
const MEDIUM = 0.6;
const HEAVY = 2;

/** A rule for each of several kernels of the same form. */
function each(names: readonly string[], make: (name: string) => Rule): Record<string, Rule> {
  return Object.fromEntries(names.map((name) => [name, make(name)]));
}

/** Pointer arguments 0 … of these element sizes. */
function pointers(...bytes: readonly number[]): Moving[] {
  return bytes.map((size, argument): Moving => [argument, size]);
}

const unary = (nanoseconds: number) => (name: string) => dense(name, 2, pointers(4, 4), nanoseconds);

/** out[i] = a[i mod aLen] ∘ b[i mod bLen]: a dense operand moves along, a repeated one is met at a multiple of its length. */
function broadcasting(outBytes: number, nanoseconds: number): (name: string) => Rule {
  return (name) => (args, crew) => {
    const [a, b, out, len, aLen, bLen] = args;
    const period = Math.max(aLen === len ? 1 : aLen, bLen === len ? 1 : bLen);
    if (len === 0 || (aLen !== len && period % aLen !== 0) || (bLen !== len && period % bLen !== 0)) return null;
    const found = cut(len / period, nanoseconds * period, Math.ceil(64 / period));
    if (found === null) return null;
    const calls = found.map(({ start, count }) => {
      const [from, length] = [start * period, count * period];
      return [
        aLen === len ? a + 4 * from : a,
        bLen === len ? b + 4 * from : b,
        out + outBytes * from,
        length,
        aLen === len ? length : aLen,
        bLen === len ? length : bLen,
      ];
    });
    crew.run(name, calls);
    return undefined;
  };
}

/** A strided copy, by the first axis that has more than one index. @param strided which of source and output is strided */
function strided(name: string, bytes: number, stridedSide: 0 | 1): Rule {
  return (args, crew) => {
    const [src, out, rank, dims] = args;
    if (rank === 0) return null;
    const ints = crew.ints(dims, 2 * rank);
    const axis = ints.subarray(0, rank).findIndex((extent) => extent !== 1);
    if (axis < 0) return null;
    let inner = 1;
    for (let i = axis + 1; i < rank; i++) inner *= ints[i];
    const found = cut(ints[axis], MEDIUM * inner);
    if (found === null) return null;
    const size = 8 * rank;
    return crew.scratch(size * found.length, (ptr) => {
      const calls = found.map(({ start, count }, i) => {
        const block = crew.i32(ptr + size * i, 2 * rank);
        block.set(ints);
        block[axis] = count;
        const moved = [bytes * start * ints[rank + axis], bytes * start * inner];
        return [src + moved[stridedSide === 0 ? 0 : 1], out + moved[stridedSide === 0 ? 1 : 0], rank, ptr + size * i];
      });
      crew.run(name, calls);
      return undefined;
    });
  };
}

/** dx of batch normalization: the divisor is the number of all rows. */
const batchnormInput: Rule = (args, crew) => {
  const [x, dy, dx, count, channels] = args;
  const found = cut(count, MEDIUM * channels, 4);
  if (found === null) return null;
  const calls = found.map((range) => {
    const offset = 4 * channels * range.start;
    return [x + offset, dy + offset, dx + offset, range.count, ...args.slice(4), count];
  });
  crew.run("f32_batchnorm_bwd_input_part", calls);
  return undefined;
};

/** Kernel → rule. */
export const RULES: Readonly<Record<string, Rule>> = {
  ...PRODUCT_RULES,
  ...IMAGE_RULES,
  ...CONVOLUTION_RULES,
  ...SUM_RULES,
  ...NORM_RULES,

  f32_fill: dense("f32_fill", 1, pointers(4), 0.15),
  u8_dequantize: dense("u8_dequantize", 2, pointers(1, 4), LIGHT),
  i8_dequantize: dense("i8_dequantize", 2, pointers(1, 4), LIGHT),
  ...each(["i32_to_f32", "f32_to_i32"], unary(LIGHT)),
  b8_strided_copy: strided("b8_strided_copy", 1, 0),
  b32_strided_copy: strided("b32_strided_copy", 4, 0),
  b64_strided_copy: strided("b64_strided_copy", 8, 0),
  b8_strided_scatter: strided("b8_strided_scatter", 1, 1),
  b32_strided_scatter: strided("b32_strided_scatter", 4, 1),
  b64_strided_scatter: strided("b64_strided_scatter", 8, 1),

  ...each(["f32_neg", "f32_abs", "f32_sign", "f32_floor", "f32_ceil", "f32_round", "f32_sqrt"], unary(LIGHT)),
  ...each(["f32_relu", "f32_clip", "f32_scale_shift", "f32_axpy"], unary(LIGHT)),
  ...each(["f32_exp", "f32_log", "f32_tanh", "f32_sigmoid"], unary(HEAVY)),
  ...each(["f32_relu_bwd", "f32_clip_bwd"], (name) => dense(name, 3, pointers(4, 4, 4), LIGHT)),
  f32_where: dense("f32_where", 4, pointers(1, 4, 4, 4), LIGHT),
  f32_mask_scale: dense("f32_mask_scale", 3, pointers(4, 1, 4), LIGHT),
  ...each(["f32_add", "f32_sub", "f32_mul", "f32_div", "f32_maximum", "f32_minimum"], broadcasting(4, LIGHT)),
  f32_pow: broadcasting(4, 4 * HEAVY)("f32_pow"),
  ...each(["f32_eq", "f32_ne", "f32_lt", "f32_le", "f32_gt", "f32_ge"], broadcasting(1, LIGHT)),

  ...each(["f32_max", "f32_min", "f32_argmax", "f32_argmin"], overOuter),
  f32_abs_max: dense("f32_abs_max", 1, pointers(4), LIGHT, (parts) => Math.max(...parts)),
  f32_count_nonfinite: dense("f32_count_nonfinite", 1, pointers(4), LIGHT, inOrder),
  ...each(["f32_softmax", "f32_log_softmax"], (name) => rows(name, 2, 3, pointers(4, 4), 2 * HEAVY)),
  ...each(["f32_softmax_bwd", "f32_log_softmax_bwd"], (name) => rows(name, 3, 4, pointers(4, 4, 4), HEAVY)),

  ...each(["f32_channel_affine", "f32_batchnorm"], (name) => rows(name, 2, 3, pointers(4, 4), LIGHT)),
  f32_batchnorm_bwd_input: batchnormInput,
  i32_scale_bias: rows("i32_scale_bias", 2, 3, pointers(4, 4), LIGHT),
  i32_line_codes: rows("i32_line_codes", 2, 3, pointers(4, 1), MEDIUM),
  i32_threshold: rows("i32_threshold", 2, 3, pointers(4, 1), 2 * HEAVY),

  f32_staircase: dense("f32_staircase", 2, pointers(4, 1), LIGHT),
  f32_staircase_bwd: dense("f32_staircase_bwd", 3, pointers(4, 4, 4), LIGHT),
  f32_sign_codes: dense("f32_sign_codes", 2, pointers(4, 1), LIGHT),
  f32_ternary_codes: dense("f32_ternary_codes", 2, pointers(4, 1), LIGHT),
  f32_uniform_codes: dense("f32_uniform_codes", 2, pointers(4, 1), MEDIUM, inOrder),
  i8_sum_squares: dense("i8_sum_squares", 1, pointers(1), LIGHT, inOrder),
  i8_count_different: dense("i8_count_different", 2, pointers(1, 1), LIGHT, inOrder),

  f32_blend: dense("f32_blend", 2, pointers(4, 1), LIGHT),
  f32_sgd_step: dense("f32_sgd_step", 3, pointers(4, 4, 4), LIGHT),
  f32_adam_step: dense("f32_adam_step", 4, pointers(4, 4, 4, 4), MEDIUM),
};
