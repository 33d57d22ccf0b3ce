/** @file The JPEG decoder, jpeg-js: the only file that imports it. The build puts it inside. */
import jpeg from "jpeg-js";

/**
 * Decodes a JPEG file to RGB.
 *
 * @param megabytes that it may count for itself
 * @param transform whether three components are luma and chroma, four their complement
 * @throws Error of the library for a damaged file
 */
export function decodeJpeg(
  bytes: Uint8Array,
  megabytes: number,
  transform: boolean | undefined,
): { width: number; height: number; data: Uint8Array } {
  return jpeg.decode(bytes, {
    useTArray: true,
    formatAsRGBA: false,
    colorTransform: transform,
    tolerantDecoding: false,
    maxResolutionInMP: Number.POSITIVE_INFINITY,
    maxMemoryUsageInMB: megabytes,
  });
}
