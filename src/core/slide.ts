/** @file How a window slides along one axis: its outputs, the padding they need, and whether one sees padding alone. */

/** A window along one axis of an image. */
export interface SlidingAxis {
  /** Pixels of the image. */
  readonly extent: number;
  /** Padding in front of them. */
  readonly before: number;
  /** Taps of the window. */
  readonly kernel: number;
  /** From one window to the next. */
  readonly stride: number;
  /** From one tap to the next. */
  readonly dilation: number;
}

/** Windows over rows and columns, as kernels read them. */
interface SlidingWindows {
  readonly inH: number;
  readonly inW: number;
  readonly kernelH: number;
  readonly kernelW: number;
  readonly strideH: number;
  readonly strideW: number;
  readonly padTop: number;
  readonly padLeft: number;
  readonly dilationH: number;
  readonly dilationW: number;
}

/** Windows along the rows, and along the columns. */
export function slidingAxes(g: SlidingWindows): readonly [SlidingAxis, SlidingAxis] {
  return [
    { extent: g.inH, before: g.padTop, kernel: g.kernelH, stride: g.strideH, dilation: g.dilationH },
    { extent: g.inW, before: g.padLeft, kernel: g.kernelW, stride: g.strideW, dilation: g.dilationW },
  ];
}

/** Pixels from a window's first tap to its last, both counted: d·(k − 1) + 1. */
export function spanOf(kernel: number, dilation: number): number {
  return dilation * (kernel - 1) + 1;
}

/** Windows inside an image with `after` pixels of padding behind it: ⌊(n + before + after − span)/s⌋ + 1. */
export function outputsOf(axis: SlidingAxis, after: number): number {
  return Math.floor(room(axis, after)) + 1;
}

/**
 * The same rounded up, ⌈(n + before + after − span)/s⌉ + 1, without a window that would start in the padding behind:
 * PyTorch's and ONNX's `ceil_mode`.
 */
export function ceilOutputsOf(axis: SlidingAxis, after: number): number {
  const out = Math.ceil(room(axis, after)) + 1;
  return (out - 1) * axis.stride >= axis.extent + axis.before ? out - 1 : out;
}

/** Padding behind an image that so many windows reach into. */
export function paddingBehind({ extent, before, kernel, stride, dilation }: SlidingAxis, out: number): number {
  return Math.max(0, (out - 1) * stride + spanOf(kernel, dilation) - extent - before);
}

/** True if one of `out` windows has no tap inside the image. */
export function seesPaddingAlone(axis: SlidingAxis, out: number): boolean {
  const { extent, before, kernel, stride, dilation } = axis;
  if ((out - 1) * stride - before >= extent || before >= spanOf(kernel, dilation)) return true;
  if (dilation <= extent) return false;
  // The first tap that is not in front of the image may be behind it. Its places differ until they repeat, so that one
  // of `extent` + 1 is behind the image or all have been seen.
  const most = Math.min(out, Math.ceil(before / stride), extent + 1);
  for (let i = 0; i < most; i++) {
    if ((dilation - ((before - i * stride) % dilation)) % dilation >= extent) return true;
  }
  return false;
}

function room({ extent, before, kernel, stride, dilation }: SlidingAxis, after: number): number {
  return (extent + before + after - spanOf(kernel, dilation)) / stride;
}
