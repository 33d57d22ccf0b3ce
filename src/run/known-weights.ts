/**
 * @file Public files of float weights that are recognised by their SHA-256, because the files themselves do not say how
 * images are normalized.
 */
import type { NormalizeOptions } from "../nn/normalize.js";
import { IMAGENET } from "./images.js";

/** What is known of a public file of weights. */
export interface KnownWeights {
  readonly title: string;
  readonly source: string;
  readonly normalize: NormalizeOptions | null;
}

/** ResNets for CIFAR-10 of one public trainer, which normalizes with ImageNet's constants. */
const residual = (depth: number, top1: string): KnownWeights => ({
  title: `ResNet-${depth} for CIFAR-10, ${top1} % top-1, by Yerlan Idelbayev (BSD 2-clause)`,
  source: "https://github.com/akamaster/pytorch_resnet_cifar10",
  normalize: IMAGENET,
});

/** ResNets for CIFAR-10 with projections, which most work with; the spread is not that of the pixels. */
const projected = (depth: number, top1: string): KnownWeights => ({
  title: `ResNet-${depth} with projections for CIFAR-10, ${top1} % top-1, by Yaofo Chen (BSD 3-clause)`,
  source: "https://github.com/chenyaofo/pytorch-cifar-models",
  normalize: { mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] },
});

const KNOWN: Readonly<Record<string, KnownWeights>> = {
  // resnet20-12fca82f.th, as it is there and converted to safetensors tensor by tensor.
  "12fca82f0bebc4135bf1f32f6e3710e61d5108578464b84fd6d7f5c1b04036c8": residual(20, "91.73"),
  "00f6613a03da7d03a575275efb0ec7acf2671a86bef74091b3e61149e5ee4b24": residual(20, "91.73"),
  // resnet32-d509ac18.th, resnet44-014dd654.th, resnet56-4bfd9763.th
  d509ac1820d7f25398913559d7e81a13229b1e7adc5648e3bfa5e22dc137f850: residual(32, "92.63"),
  "014dd6541728a1c700b1642ab640e211dc6eb8ed507d70697458dc8f8a0ae2e4": residual(44, "93.11"),
  "4bfd97631478d6b638d2764fd2baff3edb1d7d82252d54439343b6596b9b5367": residual(56, "93.39"),
  // cifar10_resnet20-4118986f.pt, as torch.hub downloads it; its accuracy is what its author says.
  "4118986f0df73003d572b0e397f0ac7b3f60af1f31aff3d2da164536e36f6ec8": projected(20, "92.60"),
  // cifar10_resnet20.pth, -32, -44 and -56 of https://github.com/robtad/DANS, which saved them again.
  eb80202b9fc54073b36fa88baeed99801c2afe3375e5d4b757145b44f7395f05: projected(20, "92.62"),
  "4a8f68a8314a4aa60a2cac04f7d416c2c030c730be6e143ffd718adbaf3d7163": projected(32, "93.54"),
  fe235e59808bd556f963389e632bf8b126d83823353e0ea0a71c3376a0caece4: projected(44, "94.00"),
  "121838a9bcb81e5cc9033e292be0381f98147211f2d8e799164df17f7a8b924e": projected(56, "94.36"),
};

/** The file of that hash (64 hexadecimal digits), or undefined. */
export function knownWeights(sha256: string): KnownWeights | undefined {
  return Object.hasOwn(KNOWN, sha256) ? KNOWN[sha256] : undefined;
}
