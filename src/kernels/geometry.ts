/** @file The geometry of windows, as kernels read it from the heap. */

/** Spatial geometry of a 2-d window operation on NHWC images; passed as 15 i32 at `geomPtr` in this order. */
export const GEOMETRY_FIELDS = [
  "batch",
  "inH",
  "inW",
  "channels",
  "kernelH",
  "kernelW",
  "strideH",
  "strideW",
  "padTop",
  "padLeft",
  "dilationH",
  "dilationW",
  "outH",
  "outW",
  "channelStride", // channels of the whole image: a group works on `channels` of them
] as const;

/** A field's name. */
export type GeometryField = (typeof GEOMETRY_FIELDS)[number];
