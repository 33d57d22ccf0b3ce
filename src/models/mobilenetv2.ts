/** @file MobileNetV2 (Sandler et al. 2018): inverted residuals with linear bottlenecks, under torchvision's names. */
import type { Tensor } from "../autograd/tensor.js";
import { below, checkOptions, type OptionRules } from "../core/checks.js";
import type { Rng } from "../core/rng.js";
import { ReLU, ReLU6 } from "../nn/activation.js";
import { BatchNorm2d } from "../nn/batch-norm.js";
import { Conv2d } from "../nn/conv.js";
import { Dropout } from "../nn/dropout.js";
import { Linear } from "../nn/linear.js";
import { Module } from "../nn/module.js";
import { normActivation } from "../nn/norm-activation.js";
import type { Buffer, Parameter } from "../nn/parameter.js";
import { GlobalAvgPool2d } from "../nn/pool.js";
import { Sequential } from "../nn/sequential.js";
import { checkWeights, firstStride, IMAGE_RULES, isSmall, type MobileNetOptions, WIDTH_RULE } from "./options.js";

/** Options of {@link mobilenetv2}. */
export interface MobileNetV2Options extends MobileNetOptions {
  /** Probability of dropout before the classifier. Default 0.2, as in torchvision. */
  dropout?: number;
}

/** What the options must be. */
const RULES: OptionRules<MobileNetV2Options> = { ...IMAGE_RULES, ...WIDTH_RULE, dropout: below(0, 1) };

/** Expansion t, channels c, repetitions n and stride s of each stage (table 2 of the paper). */
const STAGES: readonly (readonly [t: number, c: number, n: number, s: number])[] = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
];
/** The stage whose stride small images do not take. */
const EARLY = 1;
/** Channels of the first and of the last convolution. */
const STEM = 32;
const HEAD = 1280;
/** What channels are a multiple of. */
const DIVISOR = 8;

/** The multiple of 8 that is nearest to width·channels, but no more than a tenth below, as in the authors' code. */
function scaled(channels: number, width: number): number {
  const wanted = channels * width;
  const nearest = Math.max(DIVISOR, Math.floor((wanted + DIVISOR / 2) / DIVISOR) * DIVISOR);
  return nearest < 0.9 * wanted ? nearest + DIVISOR : nearest;
}

interface Window {
  readonly kernel: number;
  readonly stride?: number;
  readonly groups?: number;
  readonly rng?: Rng;
}

/** Convolution that keeps the image's size but for its stride, BN, ReLU6 as `0`, `1`, `2`. */
function convNormReLU6(inChannels: number, outChannels: number, { kernel, ...options }: Window): Sequential {
  const conv = new Conv2d(inChannels, outChannels, kernel, { padding: (kernel - 1) / 2, bias: false, ...options });
  return new Sequential(conv, new BatchNorm2d(outChannels), new ReLU6());
}

/**
 * What stands behind a linear bottleneck: nothing, until `prepare` puts a staircase there, as it does for every ReLU.
 */
class Bottleneck extends ReLU {
  override forward(x: Tensor): Tensor {
    return x;
  }
  override get replaceable(): (x: Tensor) => Tensor {
    return Bottleneck.prototype.forward;
  }
}

/** Standard deviations between a bottleneck's mean and the lowest level of its staircase. */
const REACH = 2.5;

/** Adds to each channel of a parameter or buffer. */
function addTo(target: Parameter | Buffer, by: Float64Array): void {
  const before = target.data.toTypedArray();
  target.set(by.map((value, c) => Number(before[c]) + value));
}

/**
 * conv 1×1 to t times the channels, BN, ReLU6 (none if t = 1); depthwise conv 3×3, BN, ReLU6; conv 1×1, BN, and nothing
 * behind it: a linear bottleneck. The input is added where it has the shape of the output.
 *
 * Codes count from 0, and a bottleneck has either sign. Where a staircase takes the bottleneck's place, β of the batch
 * norm before it rises in each channel, so that the mean lies 2.5 standard deviations above 0, and what reads the
 * bottleneck takes the constant away again: the next 1×1 convolution by the running mean behind it, the next sum by its
 * own β. But for what leaves the range of codes the network computes what it did.
 */
class InvertedResidual extends Module {
  /** The layers in order. */
  conv: Sequential;
  /** Behind the last of them and the sum. */
  act: Module = new Bottleneck();
  /** True if the input is added. */
  readonly residual: boolean;
  #before: InvertedResidual | null = null;
  #after: Sequential | InvertedResidual | null = null;

  /** @param expansion t, a whole number */
  constructor(inChannels: number, outChannels: number, stride: number, expansion: number, rng?: Rng) {
    super();
    const hidden = inChannels * expansion;
    const expand = expansion === 1 ? [] : [convNormReLU6(inChannels, hidden, { kernel: 1, rng })];
    this.conv = new Sequential(
      ...expand,
      convNormReLU6(hidden, hidden, { kernel: 3, stride, groups: hidden, rng }),
      new Conv2d(hidden, outChannels, 1, { bias: false, rng }),
      new BatchNorm2d(outChannels),
    );
    this.residual = stride === 1 && inChannels === outChannels;
  }

  /** What reads the bottleneck: a block that expands, or a 1×1 convolution with its batch norm. */
  feeds(after: Sequential | InvertedResidual): void {
    this.#after = after;
    if (after instanceof InvertedResidual) after.#before = this;
  }
  get #norm(): BatchNorm2d {
    return this.conv[this.conv.length - 1] as BatchNorm2d;
  }

  override forward(x: Tensor): Tensor {
    const layers = this.conv.children();
    const last = layers.length - 1;
    const h = layers.slice(0, last).reduce((value, layer) => layer.forward(value), x);
    return normActivation(layers[last], this.act, h, this.residual ? x : null);
  }

  override replace(path: string, module: Module): Module {
    const before = super.replace(path, module);
    if (path === "act" && before instanceof Bottleneck && !(module instanceof Bottleneck)) this.#raise();
    return before;
  }

  /** Mean and variance of each channel behind the sum, as the batch norms have them. */
  #moments(): { mean: Float64Array; variance: Float64Array } {
    const { weight, bias } = this.#norm;
    const mean = Float64Array.from(bias.data.toTypedArray(), Number);
    const variance = Float64Array.from(weight.data.toTypedArray(), (gamma) => Number(gamma) * Number(gamma));
    if (!this.residual || this.#before === null) return { mean, variance };
    const input = this.#before.#moments();
    return { mean: mean.map((m, c) => m + input.mean[c]), variance: variance.map((v, c) => v + input.variance[c]) };
  }

  #raise(): void {
    const { mean, variance } = this.#moments();
    const by = mean.map((m, c) => REACH * Math.sqrt(variance[c]) - m);
    addTo(this.#norm.bias, by);
    const after = this.#after;
    const reader = after instanceof InvertedResidual ? (after.conv[0] as Sequential) : after;
    if (reader === null) return;
    const { weight } = reader[0] as Conv2d;
    const values = weight.data.toTypedArray();
    const shift = Float64Array.from({ length: weight.shape[0] }, (_, out) =>
      by.reduce((sum, value, c) => sum + value * Number(values[out * by.length + c]), 0),
    );
    addTo((reader[1] as BatchNorm2d).runningMean, shift);
    if (after instanceof InvertedResidual && after.residual) {
      addTo(
        after.#norm.bias,
        by.map((value) => -value),
      );
    }
  }
}

/**
 * conv 3×3, BN, ReLU6; seventeen inverted residuals; conv 1×1, BN, ReLU6: `features.0` … `features.18`; global
 * average pool; dropout and a linear layer: `classifier.0`, `classifier.1`.
 */
export class MobileNetV2 extends Module {
  /** All layers before the pool. */
  features: Sequential;
  /** Mean over all pixels. */
  pool: Module = new GlobalAvgPool2d();
  /** Dropout and the linear layer. */
  classifier: Sequential;

  constructor(options: MobileNetV2Options = {}) {
    super();
    checkOptions<MobileNetV2Options>("mobilenetv2", options, RULES);
    const { classes = 1000, channels = 3, size = 224, width = 1, dropout = 0.2, rng } = options;
    const stem = scaled(STEM, width);
    const head = scaled(HEAD, Math.max(1, width));
    const shapes: [from: number, to: number, stride: number, expansion: number][] = [];
    let from = stem;
    STAGES.forEach(([expansion, own, count, stride], stage) => {
      const to = scaled(own, width);
      const first = stage === EARLY && isSmall(size) ? 1 : stride;
      for (let i = 0; i < count; i++, from = to) shapes.push([from, to, i === 0 ? first : 1, expansion]);
    });
    const weights = shapes.map(([own, to, , t]) => own * t * ((t === 1 ? 0 : own) + 9 + to));
    checkWeights("mobilenetv2", [channels * stem * 9, ...weights, from * head, head * classes]);
    const first = convNormReLU6(channels, stem, { kernel: 3, stride: firstStride(size), rng });
    const blocks = shapes.map(([own, to, stride, expansion]) => new InvertedResidual(own, to, stride, expansion, rng));
    const last = convNormReLU6(from, head, { kernel: 1, rng });
    blocks.forEach((block, i) => {
      block.feeds(blocks[i + 1] ?? last);
    });
    this.features = new Sequential(first, ...blocks, last);
    this.classifier = new Sequential(new Dropout(dropout, { rng }), new Linear(head, classes, { rng }));
    this.nameParameters();
  }

  /** @param x [N, H, W, channels], of any extents @returns logits [N, classes] */
  override forward(x: Tensor): Tensor {
    return this.classifier.forward(this.pool.forward(this.features.forward(x)));
  }
}

/**
 * MobileNetV2 (Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", table 2). State-dict keys
 * are torchvision's (`features.1.conv.0.0.weight`, `classifier.1.weight`), so its checkpoints load as they are.
 *
 * Images of fewer than 64 pixels a side (CIFAR) keep their size in the first convolution and in the second stage, whose
 * strides are 2 otherwise.
 *
 * `prepare` puts staircases behind the linear bottlenecks too, and moves β of the batch norms before them, so that their
 * codes reach below the mean: load float weights before, and call `calibrate` afterwards.
 *
 * @param options `classes` 1000, `channels` 3, `size` 224, `width` 1 (the paper has 0.35 to 1.4; channels are multiples
 * of 8), `dropout` 0.2
 */
export function mobilenetv2(options: MobileNetV2Options = {}): MobileNetV2 {
  return new MobileNetV2(options);
}
