/** @file Layers that imported networks need beside those of nn: what stands between convolutions in ONNX files. */
import { add, clip, concat, div, logSoftmax, mul, pad, pow, slice, sub, transpose } from "../autograd/functions.js";
import { Tensor } from "../autograd/tensor.js";
import { NDArray } from "../ndarray/ndarray.js";
import { Module } from "../nn/module.js";
import { Buffer } from "../nn/parameter.js";

/** y = min(max(x, lo), hi). @gradient exact */
export class Clip extends Module {
  readonly lo: number;
  readonly hi: number;
  constructor(lo: number, hi: number) {
    super();
    this.lo = lo;
    this.hi = hi;
  }
  override forward(x: Tensor): Tensor {
    return clip(x, this.lo, this.hi);
  }
  protected override describe(): string {
    return `${this.lo} … ${this.hi}`;
  }
}

const COMBINE = { add, sub, mul, div, pow };

/**
 * x ∘ value, or (`left`) value ∘ x, with a constant for each channel (last axis), one for all, or one for each element
 * of some axes. The constant is saved, not trained.
 * @gradient exact
 */
export class WithConstant extends Module {
  readonly fn: keyof typeof COMBINE;
  readonly left: boolean;
  value: Buffer;
  /** @param options shape of the constant, without the batch (default: one axis) */
  constructor(
    fn: keyof typeof COMBINE,
    value: Float32Array,
    { shape = [value.length], left = false }: { shape?: readonly number[]; left?: boolean } = {},
  ) {
    super();
    this.fn = fn;
    this.left = left;
    this.value = new Buffer(NDArray.from(value, shape, "f32"));
  }
  override forward(x: Tensor): Tensor {
    const value = new Tensor(this.value.data);
    return this.left ? COMBINE[this.fn](value, x) : COMBINE[this.fn](x, value);
  }
  protected override describe(): string {
    return this.fn;
  }
}

/** A part of images and their channels; codes stay codes. @gradient exact */
export class Crop extends Module {
  /** [from, to) of rows, columns, channels. */
  readonly ranges: readonly (readonly [number, number])[];
  constructor(ranges: readonly (readonly [number, number])[]) {
    super();
    this.ranges = ranges;
  }
  override forward(x: Tensor): Tensor {
    return slice(x, null, ...this.ranges.map(([from, to]): [number, number] => [from, to]));
  }
  protected override describe(): string {
    return JSON.stringify(this.ranges);
  }
}

/** y = log softmax x along one axis. @gradient exact */
export class LogSoftmax extends Module {
  readonly axis: number;
  constructor(axis: number) {
    super();
    this.axis = axis;
  }
  override forward(x: Tensor): Tensor {
    return logSoftmax(x, this.axis);
  }
}

/** Zeros around images and their channels; codes stay codes. @gradient exact */
export class ZeroPad extends Module {
  /** [before, after] of rows, columns, channels. */
  readonly pads: readonly (readonly [number, number])[];
  constructor(pads: readonly (readonly [number, number])[]) {
    super();
    this.pads = pads;
  }
  override forward(x: Tensor): Tensor {
    return pad(x, [0, ...this.pads]);
  }
  protected override describe(): string {
    return JSON.stringify(this.pads);
  }
}

/**
 * A stretch of features that came from an image of `channels` × `pixels`: ONNX has channels outermost, this library
 * pixels.
 */
export interface Stretch {
  readonly channels: number;
  readonly pixels: number;
}

/**
 * Flattened images from this library's order (pixels, then channels) to ONNX's (channels, then pixels), one stretch
 * after the other.
 * @gradient exact
 */
export class ChannelsOutermost extends Module {
  readonly #stretches: readonly Stretch[];
  constructor(stretches: readonly Stretch[]) {
    super();
    this.#stretches = stretches;
  }
  override forward(x: Tensor): Tensor {
    let start = 0;
    const parts = this.#stretches.map(({ channels, pixels }) => {
      const end = start + channels * pixels;
      const part = start === 0 && end === x.shape[1] ? x : slice(x, null, [start, end]);
      start = end;
      return transpose(part.reshape([x.shape[0], pixels, channels])).reshape([x.shape[0], channels * pixels]);
    });
    return parts.length === 1 ? parts[0] : concat(parts, 1);
  }
}

/**
 * Rows as images [H,W,C]: features in ONNX's order (channels, then pixels), or already in this library's.
 * @gradient exact
 */
export class RowsToImages extends Module {
  readonly shape: readonly [number, number, number];
  readonly channelsOutermost: boolean;
  constructor(shape: readonly [number, number, number], channelsOutermost: boolean) {
    super();
    this.shape = shape;
    this.channelsOutermost = channelsOutermost;
  }
  override forward(x: Tensor): Tensor {
    const [h, w, channels] = this.shape;
    const [batch] = x.shape;
    const ours = this.channelsOutermost ? transpose(x.reshape([batch, channels, h * w])) : x;
    return ours.reshape([batch, h, w, channels]);
  }
  protected override describe(): string {
    return this.shape.join("×");
  }
}
