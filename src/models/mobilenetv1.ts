/** @file MobileNet (Howard et al. 2017): convolutions of each channel by itself, then of each pixel by itself. */
import type { Tensor } from "../autograd/tensor.js";
import { checkOptions, type OptionRules } from "../core/checks.js";
import type { Rng } from "../core/rng.js";
import { ReLU } from "../nn/activation.js";
import { BatchNorm2d } from "../nn/batch-norm.js";
import { Conv2d } from "../nn/conv.js";
import { Linear } from "../nn/linear.js";
import { Module } from "../nn/module.js";
import { GlobalAvgPool2d } from "../nn/pool.js";
import { Sequential } from "../nn/sequential.js";
import { checkWeights, firstStride, IMAGE_RULES, type MobileNetOptions, WIDTH_RULE } from "./options.js";

/** What the options must be. */
const RULES: OptionRules<MobileNetOptions> = { ...IMAGE_RULES, ...WIDTH_RULE };

/** Output channels and stride of the thirteen separable blocks, at width 1 (table 1 of the paper). */
const BLOCKS: readonly (readonly [channels: number, stride: number])[] = [
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
  [512, 2],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [1024, 2],
  [1024, 1],
];
/** Channels of the first convolution. */
const STEM = 32;
/** Fewest channels of a layer, as in the authors' code. */
const LEAST = 8;

/** α·channels, without fraction. */
function scaled(channels: number, width: number): number {
  return Math.max(LEAST, Math.floor(channels * width));
}

/** Depthwise conv 3×3, BN, ReLU, conv 1×1, BN, ReLU as `0` … `5`. */
function separable(inChannels: number, outChannels: number, stride: number, rng?: Rng): Sequential {
  const depthwise = { stride, padding: 1, groups: inChannels, bias: false, rng };
  return new Sequential(
    new Conv2d(inChannels, inChannels, 3, depthwise),
    new BatchNorm2d(inChannels),
    new ReLU(),
    new Conv2d(inChannels, outChannels, 1, { bias: false, rng }),
    new BatchNorm2d(outChannels),
    new ReLU(),
  );
}

/**
 * conv 3×3, BN, ReLU; thirteen depthwise-separable blocks; global average pool: `model.0` … `model.14`; then `fc`.
 * Channels are those of the paper times `width`.
 */
export class MobileNetV1 extends Module {
  /** All layers before the classifier. */
  model: Sequential;
  /** Classifier. */
  fc: Module;

  constructor(options: MobileNetOptions = {}) {
    super();
    checkOptions<MobileNetOptions>("mobilenetv1", options, RULES);
    const { classes = 1000, channels = 3, size = 224, width = 1, rng } = options;
    const widths = [STEM, ...BLOCKS.map(([own]) => own)].map((own) => scaled(own, width));
    const last = widths[widths.length - 1];
    const pairs = widths.slice(1).map((own, i) => widths[i] * (9 + own));
    checkWeights("mobilenetv1", [channels * widths[0] * 9, ...pairs, last * classes]);
    const stem = { stride: firstStride(size), padding: 1, bias: false, rng };
    const first = new Conv2d(channels, widths[0], 3, stem);
    const blocks = BLOCKS.map(([, stride], i) => separable(widths[i], widths[i + 1], stride, rng));
    const head = new Sequential(first, new BatchNorm2d(widths[0]), new ReLU());
    this.model = new Sequential(head, ...blocks, new GlobalAvgPool2d());
    this.fc = new Linear(last, classes, { rng });
    this.nameParameters();
  }

  /** @param x [N, H, W, channels], of any extents @returns logits [N, classes] */
  override forward(x: Tensor): Tensor {
    return this.fc.forward(this.model.forward(x));
  }
}

/**
 * MobileNetV1 (Howard et al. 2017, "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
 * Applications", table 1). torchvision has none; state-dict keys are those of the implementation that most PyTorch
 * checkpoints come from, https://github.com/marvis/pytorch-mobilenet (`model.0.0.weight`, `model.1.3.weight`,
 * `fc.weight`).
 *
 * Images of fewer than 64 pixels a side (CIFAR) keep their size in the first convolution, whose stride is 2 otherwise.
 *
 * @param options `classes` 1000, `channels` 3, `size` 224 (the paper's ρ: 224, 192, 160 or 128), `width` 1 (the paper's
 * α: 1, 0.75, 0.5 or 0.25; no layer has fewer than 8 channels)
 */
export function mobilenetv1(options: MobileNetOptions = {}): MobileNetV1 {
  return new MobileNetV1(options);
}
