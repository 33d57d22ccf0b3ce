/** @file DS-CNN (Zhang et al. 2017, "Hello Edge"): depthwise-separable convolutions over a spectrogram, for keywords. */
import type { Tensor } from "../autograd/tensor.js";
import { check, checkOptions, integer, type OptionRules } from "../core/checks.js";
import type { Rng } from "../core/rng.js";
import { ReLU } from "../nn/activation.js";
import { BatchNorm2d } from "../nn/batch-norm.js";
import { Conv2d } from "../nn/conv.js";
import { Linear } from "../nn/linear.js";
import { Module } from "../nn/module.js";
import { normActivation } from "../nn/norm-activation.js";
import { GlobalAvgPool2d } from "../nn/pool.js";
import { checkWeights, IMAGE_RULES, type ImageModelOptions } from "./options.js";

/** Options of {@link dscnn}. */
export interface DsCnnOptions extends Omit<ImageModelOptions, "size"> {
  /** Channels of every layer: 64 in the paper's size S, 172 in M, 276 in L. Default 64. */
  width?: number;
  /** Depthwise-separable blocks: 4 in S and M, 5 in L. Default 4. */
  blocks?: number;
}

/** `size` may be said as for other image models: this one takes any. */
const RULES: OptionRules<DsCnnOptions & ImageModelOptions> = {
  ...IMAGE_RULES,
  width: integer(1),
  blocks: integer(1, 1000),
};

/** Rows and columns of the first kernel: 10 frames by 4 bands. */
const FIRST_KERNEL = [10, 4] as const;

/** Depthwise conv 3×3, BN, ReLU, then conv 1×1, BN, ReLU; the image keeps its size. */
export class SeparableBlock extends Module {
  /** Convolution 3×3 of each channel by itself. */
  depthwise: Module;
  /** Batch norm behind the first convolution. */
  bn1: Module;
  /** Its activation. */
  act1: Module;
  /** Convolution 1×1. */
  pointwise: Module;
  /** Batch norm behind the second. */
  bn2: Module;
  /** Its activation. */
  act2: Module;

  constructor(inChannels: number, outChannels: number, rng?: Rng) {
    super();
    check("SeparableBlock", "input channels", inChannels, integer(1));
    check("SeparableBlock", "output channels", outChannels, integer(1));
    const unbiased = { bias: false, rng };
    this.depthwise = new Conv2d(inChannels, inChannels, 3, { padding: 1, groups: inChannels, ...unbiased });
    this.bn1 = new BatchNorm2d(inChannels);
    this.act1 = new ReLU();
    this.pointwise = new Conv2d(inChannels, outChannels, 1, unbiased);
    this.bn2 = new BatchNorm2d(outChannels);
    this.act2 = new ReLU();
  }
  override forward(x: Tensor): Tensor {
    const h = normActivation(this.bn1, this.act1, this.depthwise.forward(x));
    return normActivation(this.bn2, this.act2, this.pointwise.forward(h));
  }
}

/**
 * conv 10×4 stride 2, BN, ReLU; depthwise-separable blocks; global average pool; `fc`. All channels have one width.
 * Takes [N, frames, bands, channels] of any extents.
 */
export class DsCnn extends Module {
  /** First convolution, 10×4. */
  conv1: Module;
  /** Batch norm behind the first convolution. */
  bn1: Module;
  /** Its activation. */
  act1: Module;
  /** Depthwise-separable blocks. */
  blocks: Module[];
  /** Mean over all frames and bands. */
  pool: Module;
  /** Classifier. */
  fc: Module;

  constructor(options: DsCnnOptions = {}) {
    super();
    checkOptions<DsCnnOptions & ImageModelOptions>("dscnn", options, RULES);
    const { classes = 10, channels = 1, width = 64, blocks = 4, rng } = options;
    const [rows, columns] = FIRST_KERNEL;
    checkWeights("dscnn", [channels * width * rows * columns, blocks * width * (width + 9), width * classes]);
    this.conv1 = new Conv2d(channels, width, [rows, columns], { stride: 2, padding: "same", bias: false, rng });
    this.bn1 = new BatchNorm2d(width);
    this.act1 = new ReLU();
    this.blocks = Array.from({ length: blocks }, () => new SeparableBlock(width, width, rng));
    this.pool = new GlobalAvgPool2d();
    this.fc = new Linear(width, classes, { rng });
    this.nameParameters();
  }

  /** @param x [N, frames, bands, channels] @returns logits [N, classes] */
  override forward(x: Tensor): Tensor {
    let h = normActivation(this.bn1, this.act1, this.conv1.forward(x));
    for (const block of this.blocks) h = block.forward(h);
    return this.fc.forward(this.pool.forward(h));
  }
}

/**
 * DS-CNN in the size S of the paper unless told otherwise; see {@link DsCnn} for its layers.
 *
 * @param options `classes` 10, `channels` 1, `width` 64, `blocks` 4, `rng` for the weights
 */
export function dscnn(options: DsCnnOptions = {}): DsCnn {
  return new DsCnn(options);
}
