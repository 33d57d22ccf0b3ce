/** @file Residual networks for 32×32 images (He et al. 2016, section 4.2), with parameter-free shortcuts. */
import { pad } from "../autograd/functions.js";
import type { Tensor } from "../autograd/tensor.js";
import type { Rng } from "../core/rng.js";
import { Identity, ReLU } from "../nn/activation.js";
import { BatchNorm2d } from "../nn/batch-norm.js";
import { Conv2d } from "../nn/conv.js";
import { Linear } from "../nn/linear.js";
import { Module } from "../nn/module.js";
import { normActivation } from "../nn/norm-activation.js";
import { Normalize } from "../nn/normalize.js";
import { GlobalAvgPool2d, MaxPool2d } from "../nn/pool.js";
import type { ImageModelOptions } from "./options.js";

/**
 * Shortcut "option A" where the shape changes: every second pixel in both directions, then as many zero channels before as after.
 * It has no parameters.
 */
export class PaddedShortcut extends Module {
  /** A 1×1 window takes one pixel as it is, so that codes stay codes. */
  readonly subsample: Module;
  readonly channels: readonly [before: number, after: number];

  constructor(inChannels: number, outChannels: number, stride: number) {
    super();
    this.subsample = new MaxPool2d(1, { stride });
    const extra = outChannels - inChannels;
    this.channels = [Math.floor(extra / 2), Math.ceil(extra / 2)];
  }
  override forward(x: Tensor): Tensor {
    return pad(this.subsample.forward(x), [0, 0, 0, this.channels]);
  }
}

/** conv 3×3, BN, ReLU, conv 3×3, BN, plus the shortcut, ReLU. The convolutions have padding 1 and no bias. */
export class BasicBlock extends Module {
  conv1: Module;
  bn1: Module;
  act1: Module;
  conv2: Module;
  bn2: Module;
  shortcut: Module;
  act2: Module;

  constructor(inChannels: number, channels: number, stride: number, rng?: Rng) {
    super();
    this.conv1 = new Conv2d(inChannels, channels, 3, { stride, padding: 1, bias: false, rng });
    this.bn1 = new BatchNorm2d(channels);
    this.act1 = new ReLU();
    this.conv2 = new Conv2d(channels, channels, 3, { padding: 1, bias: false, rng });
    this.bn2 = new BatchNorm2d(channels);
    const same = stride === 1 && inChannels === channels;
    this.shortcut = same ? new Identity() : new PaddedShortcut(inChannels, channels, stride);
    this.act2 = new ReLU();
  }
  override forward(x: Tensor): Tensor {
    const h = normActivation(this.bn1, this.act1, this.conv1.forward(x));
    return normActivation(this.bn2, this.act2, this.conv2.forward(h), this.shortcut.forward(x));
  }
}

/** Options of CIFAR residual networks. */
export interface ResNetOptions extends Omit<ImageModelOptions, "size"> {
  /** Blocks in each of the three stages: 3 for ResNet-20, n for ResNet-(6n+2). */
  blocks?: number;
  /** Constants that the network subtracts and divides by first; none by default. */
  normalize?: { mean: readonly number[]; std: readonly number[] };
}

/** conv 3×3 16, BN, ReLU; three stages of blocks with 16, 32, 64 channels; global average pool; linear. */
export class CifarResNet extends Module {
  normalize: Module;
  conv1: Module;
  bn1: Module;
  act1: Module;
  layer1: Module[];
  layer2: Module[];
  layer3: Module[];
  pool: Module;
  linear: Module;

  constructor({ classes = 10, channels = 3, blocks = 3, rng, normalize }: ResNetOptions = {}) {
    super();
    const stage = (inChannels: number, width: number, stride: number): Module[] =>
      Array.from({ length: blocks }, (_, k) =>
        k === 0 ? new BasicBlock(inChannels, width, stride, rng) : new BasicBlock(width, width, 1, rng),
      );
    this.normalize = normalize === undefined ? new Identity() : new Normalize(normalize.mean, normalize.std);
    this.conv1 = new Conv2d(channels, 16, 3, { padding: 1, bias: false, rng });
    this.bn1 = new BatchNorm2d(16);
    this.act1 = new ReLU();
    this.layer1 = stage(16, 16, 1);
    this.layer2 = stage(16, 32, 2);
    this.layer3 = stage(32, 64, 2);
    this.pool = new GlobalAvgPool2d();
    this.linear = new Linear(64, classes, { rng });
    this.nameParameters();
  }

  /** @param x [N, H, W, channels], 32×32 by design @returns logits [N, classes] */
  override forward(x: Tensor): Tensor {
    let h = normActivation(this.bn1, this.act1, this.conv1.forward(this.normalize.forward(x)));
    for (const block of [...this.layer1, ...this.layer2, ...this.layer3]) h = block.forward(h);
    return this.linear.forward(this.pool.forward(h));
  }
}

/**
 * ResNet-20 for CIFAR. State-dict keys are those of the common PyTorch implementation (`layer2.0.conv1.weight`, `linear.weight`).
 *
 * @param options `classes` 10, `channels` 3, `normalize` constants of the checkpoint that will be loaded
 */
export function resnet20(options: ResNetOptions = {}): CifarResNet {
  return new CifarResNet({ blocks: 3, ...options });
}
