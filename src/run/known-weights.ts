/**
 * @file Public files of float weights that are recognised by their SHA-256, because the files themselves do not say how
 * images are normalized.
 */
import type { NormalizeOptions } from "../nn/normalize.js";

/** What is known of a public file of weights. */
export interface KnownWeights {
  readonly title: string;
  readonly source: string;
  readonly normalize: NormalizeOptions | null;
}

const KNOWN: Readonly<Record<string, KnownWeights>> = {
  // Converted tensor by tensor from resnet20-12fca82f.th. Its trainer normalizes CIFAR-10 with ImageNet's constants.
  "00f6613a03da7d03a575275efb0ec7acf2671a86bef74091b3e61149e5ee4b24": {
    title: "ResNet-20 for CIFAR-10, 91.73 % top-1, by Yerlan Idelbayev (BSD 2-clause)",
    source: "https://github.com/akamaster/pytorch_resnet_cifar10",
    normalize: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  },
};

/** The file of that hash (64 hexadecimal digits), or undefined. */
export function knownWeights(sha256: string): KnownWeights | undefined {
  return Object.hasOwn(KNOWN, sha256) ? KNOWN[sha256] : undefined;
}
