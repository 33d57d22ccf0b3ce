/** @file What every reference kernel is given: the heap, the real type, and its rounding. */
import type { Heap } from "../memory/heap.js";
import type { Ptr } from "./contract.js";
import { GEOMETRY_FIELDS, type GeometryField } from "./geometry.js";

/** An array of the real type. */
export type RealArray = Float32Array | Float64Array;

/**
 * The real type that the kernels compute in. With f32 every arithmetic step is rounded where the WebAssembly kernel
 * rounds; storing into a `Float32Array` is such a rounding, so `round` appears only between two operations of one
 * expression. (One + − × ÷ or √ of two f32 numbers in f64, rounded to f32, is the correctly rounded f32 result.)
 */
export interface Context {
  readonly heap: Heap;
  readonly type: "f32" | "f64";
  /** Rounds to the real type. */
  readonly round: (x: number) => number;
  /** A view of reals in the heap. */
  readonly real: (ptr: Ptr, length: number) => RealArray;
  /** A zeroed temporary array of reals. */
  readonly temporary: (length: number) => RealArray;
}

/** The context of a heap and a real type. */
export function makeContext(heap: Heap, real: "f32" | "f64"): Context {
  if (real === "f32") {
    return {
      heap,
      type: real,
      round: Math.fround,
      real: (ptr, length) => heap.f32(ptr, length),
      temporary: (length) => new Float32Array(length),
    };
  }
  return {
    heap,
    type: real,
    round: (x) => x,
    real: (ptr, length) => heap.f64(ptr, length),
    temporary: (length) => new Float64Array(length),
  };
}

/** Spatial geometry by name; see `GEOMETRY_FIELDS`. */
export type Geometry = Record<GeometryField, number>;

/** Reads the 15 integers at `geomPtr`. */
export function readGeometry(heap: Heap, geomPtr: Ptr): Geometry {
  const values = heap.i32(geomPtr, GEOMETRY_FIELDS.length);
  const geometry = {} as Geometry;
  GEOMETRY_FIELDS.forEach((name, i) => {
    geometry[name] = values[i];
  });
  return geometry;
}

/** Elements of the image that a geometry spans, counted from the first channel of a group. */
export function imageLength(g: Geometry): number {
  const pixels = g.batch * g.inH * g.inW;
  return pixels === 0 ? 0 : (pixels - 1) * g.channelStride + g.channels;
}
