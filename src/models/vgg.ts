/** @file Networks of VGG's kind for small images, with batch norm. */
import type { Tensor } from "../autograd/tensor.js";
import { checkOptions } from "../core/checks.js";
import { ReLU } from "../nn/activation.js";
import { BatchNorm2d } from "../nn/batch-norm.js";
import { Conv2d } from "../nn/conv.js";
import { Linear } from "../nn/linear.js";
import { Module } from "../nn/module.js";
import { Flatten, MaxPool2d } from "../nn/pool.js";
import { Sequential } from "../nn/sequential.js";
import { checkWeights, IMAGE_RULES, type ImageModelOptions, pooledSize } from "./options.js";

/** A network's name and the output channels of its convolutions; 0 is a 2×2 max pool. */
interface Design {
  readonly name: string;
  readonly widths: readonly number[];
}

const VGG11: Design = { name: "vgg11", widths: [64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0] };
/**
 * Small images want more convolutions before the first pools than VGG-11 has, and none of 512 channels, where most of
 * VGG-11's weights are.
 */
const VGG_SMALL: Design = {
  name: "vggsmall",
  widths: [64, 64, 0, 128, 128, 128, 0, 256, 256, 256, 0, 256, 256, 0],
};

/** Convolutions 3×3 (padding 1, no bias), each with BN and ReLU, as `features`; one linear layer as `classifier`. */
export class Vgg extends Module {
  features: Sequential;
  flatten: Module = new Flatten();
  classifier: Module;

  /** @param design which of the networks; default VGG-11 */
  constructor(options: ImageModelOptions = {}, { name, widths }: Design = VGG11) {
    super();
    checkOptions(name, options, IMAGE_RULES);
    const { classes = 10, channels = 3, size = 32, rng } = options;
    // Checked before anything is allocated.
    const side = pooledSize(name, size, size, 2 ** widths.filter((item) => item === 0).length);
    checkWeights(name, [channels * widths[0] * 9, side * side * widths[widths.length - 2] * classes]);
    let width = channels;
    const layers: Module[] = [];
    for (const item of widths) {
      if (item === 0) {
        layers.push(new MaxPool2d(2));
      } else {
        layers.push(new Conv2d(width, item, 3, { padding: 1, bias: false, rng }), new BatchNorm2d(item), new ReLU());
        width = item;
      }
    }
    this.features = new Sequential(...layers);
    this.classifier = new Linear(side * side * width, classes, { rng });
    this.nameParameters();
  }

  /** @param x [N, size, size, channels] @returns logits [N, classes] */
  override forward(x: Tensor): Tensor {
    return this.classifier.forward(this.flatten.forward(this.features.forward(x)));
  }
}

/**
 * VGG-11 with batch norm for 32×32 images (Simonyan and Zisserman 2015, configuration A, one linear layer).
 *
 * @param options `classes` 10, `channels` 3, `size` 32 (a multiple of 32)
 * @throws ArgumentError if 32 does not divide `size`
 */
export function vgg11(options: ImageModelOptions = {}): Vgg {
  return new Vgg(options);
}

/**
 * A VGG of ten 3×3 convolutions for 32×32 images: 64, 64 | 128 ×3 | 256 ×3 | 256, 256 channels, a 2×2 max pool after
 * each group, one linear layer. 3.07 M weights, 0.247 G multiply-accumulates an image.
 *
 * @param options `classes` 10, `channels` 3, `size` 32 (a multiple of 16)
 * @throws ArgumentError if 16 does not divide `size`
 */
export function vggsmall(options: ImageModelOptions = {}): Vgg {
  return new Vgg(options, VGG_SMALL);
}
