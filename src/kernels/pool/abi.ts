/**
 * @file The kernels of this family: max and average pooling of NHWC images, of the images in range; arrays are the
 * whole batch's.
 */
import { kernel } from "../contract.js";

const IMAGES = {
  kind: "range",
  start: "imageStart",
  count: "imageCount",
  time: [0.5, "positions", "channels", "kernelH", "kernelW"],
} as const;

/** Lines of the ABI. */
export const POOL = {
  /**
   * Largest of each window and its flat index (i32) in the image [inH·inW·channels·batch]; padding is −∞; first of
   * equals wins; the first NaN wins. A window without any element gives −∞ (u8: 0) and index −1.
   */
  f32_maxpool: kernel(["xPtr", "outPtr", "indexPtr", "geomPtr", "imageStart", "imageCount"], IMAGES),
  u8_maxpool: kernel(["xPtr", "outPtr", "indexPtr", "geomPtr", "imageStart", "imageCount"], IMAGES),
  /** As u8_maxpool, without the indices; a window that sees padding alone gives 0. */
  u8_maxpool_codes: kernel(["xPtr", "outPtr", "geomPtr"], null),
  /** dx[index[i]] += dy[i], negative indices are skipped; dx is zeroed by the caller. */
  f32_index_add: kernel(["dyPtr", "indexPtr", "dxPtr", "len"], null),
  /**
   * Sum of each window over its elements inside the image, divided by their number, or by kernelH·kernelW if
   * includePad; 0 if it has none.
   */
  f32_avgpool: kernel(["xPtr", "outPtr", "geomPtr", "includePad", "imageStart", "imageCount"], IMAGES),
  /** Adjoint of f32_avgpool; adds into dx, zeroed by the caller. */
  f32_avgpool_bwd: kernel(["dyPtr", "dxPtr", "geomPtr", "includePad", "imageStart", "imageCount"], IMAGES),
};
