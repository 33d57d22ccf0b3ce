/** @file LeNet-5 in the wide form that quantization papers use, with batch norm. */
import type { Tensor } from "../autograd/tensor.js";
import { checkOptions } from "../core/checks.js";
import { ReLU } from "../nn/activation.js";
import { BatchNorm1d, BatchNorm2d } from "../nn/batch-norm.js";
import { Conv2d } from "../nn/conv.js";
import { Linear } from "../nn/linear.js";
import { Module } from "../nn/module.js";
import { normActivation } from "../nn/norm-activation.js";
import { Flatten, MaxPool2d } from "../nn/pool.js";
import { checkWeights, IMAGE_RULES, type ImageModelOptions, pooledSize } from "./options.js";

/**
 * conv 5×5 32, BN, ReLU, pool 2, conv 5×5 64, BN, ReLU, pool 2, fc 512, BN, ReLU, fc classes.
 *
 * The convolutions have no padding: 28×28 becomes 24, 12, 8, 4, so the flattened image has 4·4·64 = 1024 values. Layers
 * that a batch norm follows have no bias, which the norm would cancel.
 */
export class LeNet5 extends Module {
  conv1: Module;
  bn1: Module;
  act1: Module;
  pool1: Module;
  conv2: Module;
  bn2: Module;
  act2: Module;
  pool2: Module;
  flatten: Module;
  fc1: Module;
  bn3: Module;
  act3: Module;
  fc2: Module;

  constructor(options: ImageModelOptions = {}) {
    super();
    checkOptions("lenet5", options, IMAGE_RULES);
    const { classes = 10, channels = 1, size = 28, rng } = options;
    const first = pooledSize("lenet5", size, size - 4, 2);
    const second = pooledSize("lenet5", size, first - 4, 2);
    checkWeights("lenet5", [channels * 32 * 25, second * second * 64 * 512, 512 * classes]);
    const unbiased = { bias: false, rng };
    this.conv1 = new Conv2d(channels, 32, 5, unbiased);
    this.bn1 = new BatchNorm2d(32);
    this.act1 = new ReLU();
    this.pool1 = new MaxPool2d(2);
    this.conv2 = new Conv2d(32, 64, 5, unbiased);
    this.bn2 = new BatchNorm2d(64);
    this.act2 = new ReLU();
    this.pool2 = new MaxPool2d(2);
    this.flatten = new Flatten();
    this.fc1 = new Linear(second * second * 64, 512, unbiased);
    this.bn3 = new BatchNorm1d(512);
    this.act3 = new ReLU();
    this.fc2 = new Linear(512, classes, { rng });
    this.nameParameters();
  }

  /** @param x [N, size, size, channels] @returns logits [N, classes] */
  override forward(x: Tensor): Tensor {
    let h = this.pool1.forward(normActivation(this.bn1, this.act1, this.conv1.forward(x)));
    h = this.pool2.forward(normActivation(this.bn2, this.act2, this.conv2.forward(h)));
    h = normActivation(this.bn3, this.act3, this.fc1.forward(this.flatten.forward(h)));
    return this.fc2.forward(h);
  }
}

/**
 * LeNet-5: see {@link LeNet5} for its layers.
 *
 * @param options `classes` 10, `channels` 1, `size` 28 (the image's side), `rng` for the weights
 * @throws ArgumentError if `size` does not survive two unpadded 5×5 convolutions with pools
 */
export function lenet5(options: ImageModelOptions = {}): LeNet5 {
  return new LeNet5(options);
}
