/** @file How a camera was held, from the Exif data of a JPEG or PNG, and the picture turned upright. */
import type { Raster } from "./raster.js";

/** Exif's orientation: 1 as stored, 2 to 8 mirrored, turned, or both (CIPA DC-008, tag 0x0112). */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/**
 * The orientation in an APP1 segment.
 *
 * @param data of the segment, after its length
 * @returns undefined for a segment that holds none, or is damaged: pictures do not fail for what cameras write beside
 * them
 */
export function exifOrientation(data: Uint8Array): Orientation | undefined {
  const text = String.fromCharCode(...data.subarray(0, 6));
  return text === "Exif\0\0" ? tiffOrientation(data.subarray(6)) : undefined;
}

/** The same in what follows such a head: all of it in a PNG's eXIf chunk. */
export function tiffOrientation(data: Uint8Array): Orientation | undefined {
  const order = String.fromCharCode(...data.subarray(0, 2));
  const little = order === "II";
  if (data.length < 10 || (!little && order !== "MM")) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const table = view.getUint32(4, little);
  if (view.getUint16(2, little) !== 42 || table + 2 > view.byteLength) return undefined;
  const count = view.getUint16(table, little);
  for (let at = table + 2, n = 0; n < count && at + 12 <= view.byteLength; n++, at += 12) {
    if (view.getUint16(at, little) !== 0x0112) continue;
    const value = view.getUint16(at + 8, little);
    return value >= 1 && value <= 8 ? (value as Orientation) : undefined;
  }
  return undefined;
}

/** The picture as it was seen. */
export function upright(image: Raster, orientation: Orientation): Raster {
  if (orientation === 1) return image;
  const { channels, pixels } = image;
  const turned = orientation >= 5;
  const [width, height] = turned ? [image.height, image.width] : [image.width, image.height];
  // Where a row or a column of the upright picture runs backwards through the stored one.
  const flipX = [2, 3, 7, 8].includes(orientation);
  const flipY = [3, 4, 6, 7].includes(orientation);
  const out = new Uint8Array(pixels.length);
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [column, row] = turned ? [y, x] : [x, y];
      const storedX = flipX ? image.width - 1 - column : column;
      const storedY = flipY ? image.height - 1 - row : row;
      const from = (storedY * image.width + storedX) * channels;
      for (let c = 0; c < channels; c++) out[to++] = pixels[from + c];
    }
  }
  return { width, height, channels, pixels: out };
}
