/** @file What codes stand for: the value of code 1. */

/** Value of pixel code 1: f32(1/255), so that codes 0…255 stand for 0…1. */
export const PIXEL_STEP: number = /* @__PURE__ */ Math.fround(1 / 255);

/**
 * What a sum Σ code_x·code_w of each output channel stands for: s = f32(δ·step), rounded once.
 *
 * @param delta value of weight code 1, for all channels or for each
 * @param step value of input code 1
 */
export function scalesOf(delta: Float32Array, step: number, channels: number): Float32Array {
  return Float32Array.from({ length: channels }, (_, c) => delta[delta.length === 1 ? 0 : c] * step);
}
