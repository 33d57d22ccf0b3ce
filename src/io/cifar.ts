/**
 * @file The binary layout of CIFAR-10: records of one label byte and three 32×32 colour planes. Bytes in, arrays out.
 */
import { FormatError } from "../core/errors.js";
import { bytesOf } from "./doors.js";

const SIDE = 32;
const PLANE = SIDE * SIDE;

/** Bytes of one CIFAR-10 record: the label, then 1024 red, 1024 green and 1024 blue bytes. */
export const CIFAR10_RECORD = 1 + 3 * PLANE;

/** Images and labels of one CIFAR batch file. */
export interface CifarBatch {
  /** Number of images. */
  readonly count: number;
  /** u8 pixels, shape [count, 32, 32, 3]; a copy. */
  readonly images: Uint8Array;
  /** Labels 0 … 9, shape [count]; a copy. */
  readonly labels: Uint8Array;
}

/**
 * Reads a CIFAR-10 batch (already unpacked) and turns its colour planes into channels-last pixels.
 * @param bytes the whole file, a multiple of 3073 bytes
 * @param file name for error messages
 * @returns images and labels
 * @throws FormatError if the length is not a positive multiple of 3073, or on a label above 9
 */
export function readCifar10(bytes: Uint8Array, file = "cifar10"): CifarBatch {
  bytes = bytesOf("readCifar10", bytes, file);
  if (bytes.length === 0 || bytes.length % CIFAR10_RECORD !== 0) {
    const got = `${bytes.length} bytes (${bytes.length % CIFAR10_RECORD} left over)`;
    const expected = `a positive multiple of ${CIFAR10_RECORD} bytes`;
    throw new FormatError({ op: file, what: "not a whole number of CIFAR-10 records", expected, got });
  }
  const count = bytes.length / CIFAR10_RECORD;
  const images = new Uint8Array(count * 3 * PLANE);
  const labels = new Uint8Array(count);
  for (let n = 0; n < count; n++) {
    const from = n * CIFAR10_RECORD;
    if (bytes[from] > 9) {
      const what = `label out of range in record ${n}`;
      throw new FormatError({ op: file, what, expected: "0 to 9", got: `${bytes[from]}` });
    }
    labels[n] = bytes[from];
    let to = n * 3 * PLANE;
    for (let pixel = from + 1; pixel <= from + PLANE; pixel++) {
      images[to++] = bytes[pixel];
      images[to++] = bytes[pixel + PLANE];
      images[to++] = bytes[pixel + 2 * PLANE];
    }
  }
  return { count, images, labels };
}
