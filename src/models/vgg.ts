/** @file VGG-11 for small images, with batch norm. */
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

/** Output channels of the convolutions; 0 is a 2×2 max pool. */
const VGG11 = [64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0];

/** Convolutions 3×3 (padding 1, no bias), each with BN and ReLU, as `features`; one linear layer as `classifier`. */
export class Vgg extends Module {
  features: Sequential;
  flatten: Module = new Flatten();
  classifier: Module;

  constructor(options: ImageModelOptions = {}) {
    super();
    checkOptions("vgg11", options, IMAGE_RULES);
    const { classes = 10, channels = 3, size = 32, rng } = options;
    // Checked before anything is allocated.
    const side = pooledSize("vgg11", size, size, 2 ** VGG11.filter((item) => item === 0).length);
    checkWeights("vgg11", [channels * VGG11[0] * 9, side * side * 512 * classes]);
    let width = channels;
    const layers: Module[] = [];
    for (const item of VGG11) {
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
