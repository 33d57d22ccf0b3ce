/**
 * @file What the export of one plan node may read and extend: the values so far, and constants laid out as they are.
 */
import { sizeOf } from "../core/shape.js";
import type { NodeData, PlanWindow, ValueType } from "../format/index.js";
import { GraphBuilder } from "./builder.js";
import { ELEMENT } from "./schema.js";

/** Choices that change how nodes are written. */
export interface EmitOptions {
  /** Keep weights of at most 4 bits as bits in the file, unpacked by operators when the model is loaded. */
  readonly pack: boolean;
  /** Multiply codes with integer operators, or as whole numbers in float. */
  readonly arithmetic: "integer" | "float";
}

/**
 * A value of the plan in the ONNX graph. Images [H,W,C] are [N,C,H,W] there. A flattened image keeps that order of its
 * elements (channels outermost): element i of it is element `order[i]` of the plan's value; null if they are in the
 * plan's order.
 */
export interface EmittedValue {
  readonly name: string;
  readonly type: ValueType;
  readonly order: Int32Array | null;
}

/** The graph while a plan is written. */
export class Emitter {
  readonly builder = new GraphBuilder();
  readonly options: EmitOptions;
  readonly #values = new Map<string, EmittedValue>();
  readonly #types: ReadonlyMap<string, ValueType>;

  constructor(types: ReadonlyMap<string, ValueType>, options: EmitOptions) {
    this.#types = types;
    this.options = options;
  }

  /** Type of a plan value. */
  type(id: string): ValueType {
    return this.#types.get(id) as ValueType;
  }
  /** A plan value that is there already: the plan's nodes come in order. */
  value(id: string): EmittedValue {
    return this.#values.get(id) as EmittedValue;
  }
  /** Says which ONNX value a plan value is. */
  set(id: string, name: string, order: Int32Array | null = null): void {
    this.#values.set(id, { name, type: this.type(id), order });
  }

  /** The value in the plan's order of elements. */
  plain(value: EmittedValue): string {
    const { order, name } = value;
    if (order === null) return name;
    const places = new BigInt64Array(order.length);
    order.forEach((own, i) => {
      places[own] = BigInt(i);
    });
    const indices = this.builder.constant(`${name}/places`, [places.length], places);
    return this.builder.node("Gather", [name, indices], `${name}/plain`, { axis: 1 });
  }

  /** The value as real numbers: codes times their step. */
  real({ name, type }: EmittedValue, output = `${name}/real`): string {
    if (type.step === null) return name;
    return this.builder.node("Mul", [this.float(name), this.f32(type.step)], output);
  }

  /** Zeros around a value. @param extents ONNX's: begins of all axes, then ends */
  pad(x: EmittedValue, id: string, extents: readonly number[]): string {
    return this.padded(x.name, id, extents, x.type.dtype === "u8" ? this.u8(0) : this.f32(0));
  }

  /** The same by name, with a constant around it. */
  padded(name: string, id: string, extents: readonly number[], constant: string): string {
    const pads = this.builder.constant(`${id}/pads`, [extents.length], BigInt64Array.from(extents, BigInt));
    return this.builder.node("Pad", [name, pads, constant], id);
  }

  /** Integers as f32. */
  float(name: string): string {
    return this.builder.node("Cast", [name], `${name}/float`, { to: ELEMENT.FLOAT });
  }

  /** A constant number. */
  f32(value: number): string {
    return this.builder.scalar(Float32Array.of(value));
  }
  u8(value: number): string {
    return this.builder.scalar(Uint8Array.of(value));
  }

  /**
   * One number per channel (last axis of the plan's value) so that it broadcasts over the ONNX value; a single number
   * if all are the same.
   */
  perChannel(wanted: string, values: Float32Array, rank: number, order: Int32Array | null = null): string {
    if (values.every((value) => Object.is(value, values[0]))) return this.f32(values[0]);
    const own = order === null ? values : Float32Array.from(order, (i) => values[i]);
    return this.builder.constant(wanted, rank === 3 ? [values.length, 1, 1] : [values.length], own);
  }
}

/** Order of a flattened [H,W,C] image whose elements stay as [C,H,W] has them; null if both orders are one. */
export function flattenedOrder(shape: readonly number[]): Int32Array | null {
  if (shape.length !== 3) return null;
  const [h, w, channels] = shape;
  if (channels === 1 || h * w === 1) return null;
  const pixels = h * w;
  return Int32Array.from({ length: sizeOf(shape) }, (_, i) => (i % pixels) * channels + Math.floor(i / pixels));
}

/** Attributes of a sliding window: ONNX has begins before ends. */
export function windowAttributes({
  kernel,
  stride,
  padding: [top, bottom, left, right],
  dilation,
}: PlanWindow): Record<string, readonly number[]> {
  return {
    kernel_shape: kernel,
    strides: stride,
    pads: [top, left, bottom, right],
    ...(dilation.some((d) => d !== 1) && { dilations: dilation }),
  };
}

/**
 * True if some side of a pool is padded by as much as its window has taps, as one with dilation may be: onnxruntime
 * refuses such pools.
 */
export function isWide({ kernel, padding }: PlanWindow): boolean {
  return padding.some((side, i) => side >= kernel[i >> 1]);
}

/** What the operators of a node are made from. */
export interface Emission<Node> {
  readonly node: Node;
  readonly data: NodeData;
  readonly emitter: Emitter;
  /** What it reads first. */
  readonly x: EmittedValue;
}

/** What a node became: the name of its value, and the order of its elements (see {@link EmittedValue}). */
export type Emitted = readonly [name: string, order?: Int32Array | null];

/** Adds the operators of one kind of node. */
export type NodeEmitter<Node> = (emission: Emission<Node>) => Emitted;

/** One number per channel of a node that keeps the order of what it reads. */
export function vectorOf(
  { node: { id }, emitter, x }: Emission<{ readonly id: string }>,
  field: string,
  values: Float32Array,
): string {
  return emitter.perChannel(`${id}/${field}`, values, emitter.type(id).shape.length, x.order);
}
