/**
 * @file Weight codes in ONNX files: one byte each with a zero point, or bits that operators unpack when the model is
 * loaded.
 */
import { packFields, storageBits } from "../codes/bits.js";
import { weightTop } from "../codes/levels.js";
import type { Shape } from "../core/shape.js";
import type { Emitter } from "./emitter.js";

/** Weights in the graph: u8 codes q + zero. */
export interface EmittedWeights {
  readonly name: string;
  readonly zero: number;
}

/**
 * Adds weight codes as a u8 value q + zero: {0, 2} around 1 for 1 bit, {0 … 2·top} around top for more.
 *
 * @param codes in ONNX's order
 * @param bits 1…8
 */
export function emitWeights(
  emitter: Emitter,
  id: string,
  codes: Int8Array,
  shape: Shape,
  bits: number,
): EmittedWeights {
  const zero = weightTop(bits);
  const size = storageBits(bits);
  if (!emitter.options.pack || size === 8) {
    const data = Uint8Array.from(codes, (code) => code + zero);
    return { name: emitter.builder.constant(`${id}/weight`, shape, data), zero };
  }
  return { name: unpacked(emitter, id, codes, shape, bits, size), zero };
}

/**
 * Fields of `size` bits, the first in the lowest bits of a byte. Standard operators take them apart: each byte shifted
 * right by 0, size, …, masked, and the rows of fields joined. One bit stands for {−1, +1} and is doubled, so that its
 * u8 codes are {0, 2}.
 */
function unpacked(
  { builder }: Emitter,
  id: string,
  codes: Int8Array,
  shape: Shape,
  bits: number,
  size: 1 | 2 | 4,
): string {
  const zero = weightTop(bits);
  const perByte = 8 / size;
  const bytes = packFields(codes.length, size, (i) => (bits === 1 ? (codes[i] + 1) >> 1 : codes[i] + zero));
  const name = (part: string): string => `${id}/weight/${part}`;
  const packed = builder.constant(name("packed"), [bytes.length, 1], bytes);
  const shifts = Uint8Array.from({ length: perByte }, (_, i) => i * size);
  const shifted = builder.node(
    "BitShift",
    [packed, builder.constant(name("shifts"), [1, perByte], shifts)],
    name("shifted"),
    {
      direction: "RIGHT",
    },
  );
  const fields = builder.node("BitwiseAnd", [shifted, builder.scalar(Uint8Array.of(2 ** size - 1))], name("fields"));
  const ints = (part: string, values: readonly number[]): string =>
    builder.constant(name(part), [values.length], BigInt64Array.from(values, BigInt));
  let flat = fields;
  if (bytes.length * perByte !== codes.length) {
    const row = builder.node("Reshape", [fields, ints("row", [-1])], name("padded"));
    flat = builder.node("Slice", [row, ints("from", [0]), ints("to", [codes.length])], name("row_used"));
  }
  const shaped = builder.node("Reshape", [flat, ints("shape", shape)], name("bits"));
  if (bits !== 1) return shaped;
  return builder.node("BitShift", [shaped, builder.scalar(Uint8Array.of(1))], `${id}/weight`, { direction: "LEFT" });
}
