/** @file Shapes that networks really have: the rows of every benchmark. */

/** Matrix products C[M,N] = A[M,K]·B[K,N]. */
export interface GemmShape {
  readonly M: number;
  readonly K: number;
  readonly N: number;
}

/**
 * Squares, the four ResNet-18 3×3 stages at batch 1 as matrix products, and LeNet-5's second convolution at batch 32.
 */
export const GEMM_SHAPES: readonly GemmShape[] = [
  { M: 128, K: 128, N: 128 },
  { M: 256, K: 256, N: 256 },
  { M: 512, K: 512, N: 512 },
  { M: 1024, K: 1024, N: 1024 },
  { M: 64, K: 576, N: 3136 },
  { M: 128, K: 1152, N: 784 },
  { M: 256, K: 2304, N: 196 },
  { M: 512, K: 4608, N: 49 },
  { M: 2048, K: 800, N: 64 },
];

/** The same stages as the integer runtime sees them: pixels × patch × output channels. */
export const CODE_GEMM_SHAPES: readonly GemmShape[] = [
  { M: 512, K: 512, N: 512 },
  { M: 3136, K: 576, N: 64 },
  { M: 784, K: 1152, N: 128 },
  { M: 196, K: 2304, N: 256 },
  { M: 49, K: 4608, N: 512 },
];

/** A square-kernel convolution on NHWC images. */
export interface ConvShape {
  readonly name: string;
  readonly batch: number;
  readonly size: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernel: number;
  readonly padding: number;
  readonly stride: number;
}

/** A 3×3 convolution with padding 1; a stride of two is part of its name. */
function conv3x3(inChannels: number, outChannels: number, size: number, batch: number, stride = 1): ConvShape {
  const name = stride === 1 ? "conv3x3" : "conv3x3s2";
  return { name, batch, size, inChannels, outChannels, kernel: 3, padding: 1, stride };
}

/** LeNet-5, ResNet-20 (CIFAR), VGG-11 (CIFAR) and ResNet-18 layers. */
export const CONV_SHAPES: readonly ConvShape[] = [
  { name: "conv5x5", batch: 128, size: 28, inChannels: 1, outChannels: 32, kernel: 5, padding: 0, stride: 1 },
  { name: "conv5x5", batch: 128, size: 12, inChannels: 32, outChannels: 64, kernel: 5, padding: 0, stride: 1 },
  conv3x3(3, 16, 32, 128),
  conv3x3(16, 16, 32, 128),
  conv3x3(16, 32, 32, 128, 2),
  conv3x3(32, 32, 16, 128),
  conv3x3(64, 64, 8, 128),
  conv3x3(64, 128, 16, 128),
  conv3x3(256, 256, 8, 128),
  conv3x3(64, 64, 56, 1),
];

/** The name of a convolution's row: `conv3x3 fwd 16->16@32 b128`. */
export function convWork(conv: ConvShape, pass: "fwd" | "fwd-fast" | "bwd-input" | "bwd-weight"): string {
  return `${conv.name} ${pass} ${convLabel(conv)}`;
}

/** Channels, side and batch: `16->16@32 b128`. */
export function convLabel({ inChannels, outChannels, size, batch }: ConvShape): string {
  return `${inChannels}->${outChannels}@${size} b${batch}`;
}

/** Elements of the arrays in the elementwise rows: inside L2, and far outside the caches. */
export const ELEMENTWISE_LENGTHS: readonly number[] = [65_536, 4_194_304];
