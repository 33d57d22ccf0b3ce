/** @file Shapes that networks really have: the rows of every benchmark. */

/** Matrix products C[M,N] = A[M,K]·B[K,N]. */
export interface GemmShape {
  readonly M: number;
  readonly K: number;
  readonly N: number;
}

/** Squares, and the four ResNet-18 3×3 stages at batch 1 as matrix products. */
export const GEMM_SHAPES: readonly GemmShape[] = [
  { M: 128, K: 128, N: 128 },
  { M: 256, K: 256, N: 256 },
  { M: 512, K: 512, N: 512 },
  { M: 1024, K: 1024, N: 1024 },
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

/** LeNet-5, ResNet-20 (CIFAR) and ResNet-18 layers. */
export const CONV_SHAPES: readonly ConvShape[] = [
  { name: "conv5x5", batch: 128, size: 28, inChannels: 1, outChannels: 32, kernel: 5, padding: 0, stride: 1 },
  { name: "conv5x5", batch: 128, size: 12, inChannels: 32, outChannels: 64, kernel: 5, padding: 0, stride: 1 },
  { name: "conv3x3", batch: 128, size: 32, inChannels: 16, outChannels: 16, kernel: 3, padding: 1, stride: 1 },
  { name: "conv3x3", batch: 128, size: 16, inChannels: 32, outChannels: 32, kernel: 3, padding: 1, stride: 1 },
  { name: "conv3x3", batch: 128, size: 8, inChannels: 64, outChannels: 64, kernel: 3, padding: 1, stride: 1 },
  { name: "conv3x3", batch: 1, size: 56, inChannels: 64, outChannels: 64, kernel: 3, padding: 1, stride: 1 },
];

/** Elements of the arrays in the elementwise rows: inside L2, and far outside the caches. */
export const ELEMENTWISE_LENGTHS: readonly number[] = [65_536, 4_194_304];
