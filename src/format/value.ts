/** @file What a value of a plan is: shape, and codes of a step or real numbers. */
import { sizeOf } from "../core/shape.js";

/** Type of a value, for one image. */
export interface ValueType {
  /** Without the batch. */
  readonly shape: readonly number[];
  readonly dtype: "u8" | "f32";
  /** The value of code 1 for codes, else null. */
  readonly step: number | null;
  /** Largest code for codes, else 0. */
  readonly top: number;
}

/** Real numbers. */
export function real(shape: readonly number[]): ValueType {
  return { shape, dtype: "f32", step: null, top: 0 };
}

/** Bytes of one element. */
export function elementBytes({ dtype }: ValueType): 1 | 4 {
  return dtype === "u8" ? 1 : 4;
}

/** Bytes of a value for `batch` images. */
export function valueBytes(type: ValueType, batch: number): number {
  return batch * sizeOf(type.shape) * elementBytes(type);
}
