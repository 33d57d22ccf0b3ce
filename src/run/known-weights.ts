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

const KNOWN: Readonly<Record<string, KnownWeights>> = {
  // resnet20-12fca82f.th, as it is there and converted to safetensors tensor by tensor.
  "12fca82f0bebc4135bf1f32f6e3710e61d5108578464b84fd6d7f5c1b04036c8": residual(20, "91.73"),
  "00f6613a03da7d03a575275efb0ec7acf2671a86bef74091b3e61149e5ee4b24": residual(20, "91.73"),
  // resnet32-d509ac18.th, resnet44-014dd654.th, resnet56-4bfd9763.th
  d509ac1820d7f25398913559d7e81a13229b1e7adc5648e3bfa5e22dc137f850: residual(32, "92.63"),
  "014dd6541728a1c700b1642ab640e211dc6eb8ed507d70697458dc8f8a0ae2e4": residual(44, "93.11"),
  "4bfd97631478d6b638d2764fd2baff3edb1d7d82252d54439343b6596b9b5367": residual(56, "93.39"),
};

/** The file of that hash (64 hexadecimal digits), or undefined. */
export function knownWeights(sha256: string): KnownWeights | undefined {
  return Object.hasOwn(KNOWN, sha256) ? KNOWN[sha256] : undefined;
}
