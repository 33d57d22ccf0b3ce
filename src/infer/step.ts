/** @file What a step of the runtime is, and the geometry that window kernels read. */
import type { PlanFloatConv } from "../format/nodes/float-conv.js";
import type { NodeData } from "../format/tensors.js";
import type { ValueType } from "../format/value.js";
import { type PlanWindow, windowExtents } from "../format/window.js";
import type { Kernels, Ptr } from "../kernels/abi.js";
import type { Convolution, Geometry } from "../kernels/choose.js";
import { allocator, heap, kernelsFor } from "../kernels/engine.js";
import { GEOMETRY_FIELDS } from "../kernels/geometry.js";
import type { Heap } from "../memory/heap.js";
import type { Constants } from "./constants.js";

/** One node, ready to run: its constants lie in the heap. */
export interface Step {
  /** Bytes of each workspace that a batch needs. */
  scratch(batch: number): readonly number[];
  /** Computes the node's value for `batch` images. Workspaces are where `scratch` asked for them. */
  run(batch: number, inputs: readonly Ptr[], output: Ptr, scratch: readonly Ptr[]): void;
}

/** The step of a node whose value is its input's, element for element: nothing runs, both are one piece of memory. */
export const ALIAS = "alias";

/** What a node's step is made from. */
export interface StepSource<Node> {
  readonly node: Node;
  /** Types of what it reads, and the first of them. */
  readonly inputs: readonly ValueType[];
  readonly input: ValueType;
  /** Type of what it gives. */
  readonly output: ValueType;
  /** Elements of it, for one image. */
  readonly size: number;
  readonly data: NodeData;
  readonly kernels: Kernels;
  /** The memory that they work in. Rare kinds, which are loaded late and by themselves, have it from here alone. */
  readonly heap: () => Heap;
  /** The step of a float convolution, of which rare kinds are made. */
  readonly floatConv: StepMaker<PlanFloatConv>;
  /** Where it puts what lies in the heap for as long as the session lives. */
  readonly constants: Constants;
}

/** What a node becomes: a step, one without workspaces, or nothing. */
export type Made = Step | Step["run"] | typeof ALIAS;

/** Makes the steps of one kind of node. */
export type StepMaker<Node> = (source: StepSource<Node>) => Made;

/** Bytes of a geometry block. */
export const GEOMETRY_BYTES = 4 * GEOMETRY_FIELDS.length;

/** The geometry of a window over images [batch,h,w,channelStride], `channels` of them at a time. */
function windowGeometry(window: PlanWindow, batch: number, image: readonly number[], channels: number): Geometry {
  const [h, w, channelStride] = image;
  const [outH, outW] = windowExtents(window, h, w);
  const { kernel, stride, padding, dilation } = window;
  return {
    batch,
    inH: h,
    inW: w,
    channels,
    kernelH: kernel[0],
    kernelW: kernel[1],
    strideH: stride[0],
    strideW: stride[1],
    padTop: padding[0],
    padLeft: padding[2],
    dilationH: dilation[0],
    dilationW: dilation[1],
    outH,
    outW,
    channelStride,
  };
}

/** A window over an image [h,w,channels] as a convolution. */
export function convolutionOf(window: PlanWindow, image: readonly number[], groups: number): Convolution {
  return { geometry: windowGeometry(window, 1, image, image[2] / groups), groups };
}

/** Writes the geometry of a window over images [batch,h,w,channelStride], `channels` of them at a time. */
export function writeGeometry(
  ptr: Ptr,
  window: PlanWindow,
  batch: number,
  image: readonly number[],
  channels: number,
): void {
  const fields = windowGeometry(window, batch, image, channels);
  const block = heap().i32(ptr, GEOMETRY_FIELDS.length);
  GEOMETRY_FIELDS.forEach((field, i) => {
    block[i] = fields[field];
  });
}

/** A kernel that says how many bytes of workspace another needs. */
export type WorkKernel = "u4_lut_conv_work" | "u8_i8_conv_work" | "u8_depthwise_work";

/** Bytes of workspace for a window over images of all channels. */
export function workOf(kernel: WorkKernel, window: PlanWindow, image: readonly number[]): number {
  const geometry = allocator().allocate(GEOMETRY_BYTES);
  writeGeometry(geometry, window, 1, image, image[2]);
  const bytes = kernelsFor("f32")[kernel](geometry);
  allocator().free(geometry, GEOMETRY_BYTES);
  return bytes;
}

/** The geometry of a window over `batch` images, among the constants; rewritten only when the batch changes. */
export function geometryOf(
  constants: Constants,
  window: PlanWindow,
  image: readonly number[],
  channels: number,
): (batch: number) => Ptr {
  let written = 1;
  const block = constants.add(GEOMETRY_BYTES, (ptr) => writeGeometry(ptr, window, 1, image, channels));
  return (batch) => {
    const ptr = block();
    if (batch !== written) writeGeometry(ptr, window, batch, image, channels);
    written = batch;
    return ptr;
  };
}
