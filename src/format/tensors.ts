/** @file Tensors of a node: their names and types in the file, how they are read and checked. */
import { packedBytes, storageBits } from "../codes/bits.js";
import { staircaseTop } from "../codes/levels.js";
import type { Thresholds } from "../codes/thresholds.js";
import { type Shape, sizeOf } from "../core/shape.js";
import type { SafeData } from "../io/safetensors.js";
import type { PlanActivation } from "./activation.js";
import { unpackCodes } from "./bits.js";
import type { Place, RefuseTensor } from "./place.js";
import { decodeThresholds } from "./thresholds.js";

/** Decoded tensors of one node; which of them are there follows from the node (see docs/format.md). */
export interface NodeData {
  /** Quantized layers, and float layers with `bits`: weight codes, [out][kh][kw][in/groups], channel fastest. */
  readonly codes?: Int8Array;
  /** Quantized layers: value of code 1, [1] or [out]. */
  readonly delta?: Float32Array;
  /** Quantized layers with an activation. */
  readonly thresholds?: Thresholds;
  /** Layers with `bias: true`: [out]. */
  readonly bias?: Float32Array;
  /** Float layers: [O,I,Kh,Kw] or [out,in], as in training. */
  readonly weight?: Float32Array;
  /** Affine: [C]. */
  readonly scale?: Float32Array;
  readonly shift?: Float32Array;
  /** Channel: [C]. */
  readonly value?: Float32Array;
}

/** Fields of {@link NodeData} that are plain f32 numbers. */
type FloatField = { [F in keyof NodeData]-?: Required<NodeData>[F] extends Float32Array ? F : never }[keyof NodeData];

/** A tensor that a node must have. */
export interface TensorSpec<Field extends keyof NodeData = keyof NodeData> {
  readonly field: Field;
  readonly dtype: "U8" | "I8" | "F32";
  /** Shape in the file; null: any length. */
  readonly shape: Shape | null;
  /** Width of codes. */
  readonly bits?: number;
  /** Elements of what is read; of thresholds, channels and thresholds of each. */
  readonly size: readonly number[];
  /** From the file. @param lines whether thresholds may be lines: version 3 @throws FormatError */
  read(data: SafeData, place: Place, lines: boolean): Required<NodeData>[Field];
  /** Refuses values out of range that `read` takes. */
  check?(value: Required<NodeData>[Field], refuse: RefuseTensor): void;
}

function bytesOf(data: SafeData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Finite f32 numbers, none below `least`. */
export function floats<Field extends FloatField>(
  field: Field,
  shape: Shape,
  least: number = Number.NEGATIVE_INFINITY,
): TensorSpec<Field> {
  return {
    field,
    dtype: "F32",
    shape,
    read: (data) => data as Float32Array,
    size: [sizeOf(shape)],
    check(value, refuse) {
      const at = value.findIndex((x) => !Number.isFinite(x) || x < least);
      if (at < 0) return;
      refuse(
        `element ${at}`,
        Number.isFinite(value[at]) ? `a number of at least ${least}` : "a finite number",
        `${value[at]}`,
      );
    },
  };
}

/** Weight codes of `bits` bits, [rows, patch]. */
export function weightCodes(rows: number, patch: number, bits: number): TensorSpec<"codes"> {
  const count = rows * patch;
  const bytes = storageBits(bits) === 8;
  return {
    field: "codes",
    dtype: bytes ? "I8" : "U8",
    shape: bytes ? [rows, patch] : [packedBytes(count, bits)],
    bits,
    size: [count],
    read: (data, place) => unpackCodes(bytesOf(data), count, bits, place),
  };
}

/** Thresholds of an activation, for each of `channels`. */
export function activationThresholds(channels: number, { bits }: PlanActivation): TensorSpec<"thresholds"> {
  const top = staircaseTop(bits);
  return {
    field: "thresholds",
    dtype: "U8",
    shape: null,
    size: [channels, top],
    read: (data, place, lines) => decodeThresholds(bytesOf(data), channels, top, place, lines),
  };
}
