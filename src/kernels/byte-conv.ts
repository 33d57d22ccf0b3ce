/** @file What the byte convolution needs. */
import { QUAD, QUAD_FILTERS, QUAD_HEADER } from "./conv/sizes.js";

/** Bytes of weights [filters, runs·run] in `i8_quad_pack`'s form. */
export function quadBytes(filters: number, runs: number, run: number): number {
  return QUAD_HEADER + Math.ceil(filters / QUAD_FILTERS) * runs * Math.ceil(run / QUAD) * QUAD_FILTERS * QUAD;
}
