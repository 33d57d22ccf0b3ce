/**
 * @file Residual networks (He et al. 2016): for 32×32 images with parameter-free shortcuts, and ResNet-18 with
 * projections.
 */
import { pad } from "../autograd/functions.js";
import type { Tensor } from "../autograd/tensor.js";
import { check, checkOptions, integer, type OptionRules, oneOf, record } from "../core/checks.js";
import type { Rng } from "../core/rng.js";
import { Identity, ReLU } from "../nn/activation.js";
import { BatchNorm2d } from "../nn/batch-norm.js";
import { Conv2d } from "../nn/conv.js";
import { Linear } from "../nn/linear.js";
import { Module } from "../nn/module.js";
import { normActivation } from "../nn/norm-activation.js";
import { Normalize } from "../nn/normalize.js";
import { GlobalAvgPool2d, MaxPool2d } from "../nn/pool.js";
import { Sequential } from "../nn/sequential.js";
import { checkWeights, IMAGE_RULES, type ImageModelOptions } from "./options.js";

function checkBlock(op: string, inChannels: number, channels: number, stride: number): void {
  check(op, "input channels", inChannels, integer(1));
  check(op, "output channels", channels, integer(1));
  check(op, "stride", stride, integer(1));
}

/**
 * Shortcut "option A" where the shape changes: every second pixel in both directions, then as many zero channels before
 * as after. It has no parameters.
 */
export class PaddedShortcut extends Module {
  /** A 1×1 window takes one pixel as it is, so that codes stay codes. */
  readonly subsample: Module;
  /** Channels before and after. */
  readonly channels: readonly [before: number, after: number];

  constructor(inChannels: number, outChannels: number, stride: number) {
    super();
    checkBlock("PaddedShortcut", inChannels, outChannels, stride);
    check("PaddedShortcut", "output channels", outChannels, integer(inChannels));
    this.subsample = new MaxPool2d(1, { stride });
    const extra = outChannels - inChannels;
    this.channels = [Math.floor(extra / 2), Math.ceil(extra / 2)];
  }
  override forward(x: Tensor): Tensor {
    return pad(this.subsample.forward(x), [0, 0, 0, this.channels]);
  }
}

/**
 * conv 3×3, BN, ReLU, conv 3×3, BN, plus what the subclass's shortcut gives, ReLU. The convolutions have padding 1 and
 * no bias.
 */
abstract class ResidualBlock extends Module {
  conv1: Module;
  bn1: Module;
  act1: Module;
  conv2: Module;
  bn2: Module;

  constructor(inChannels: number, channels: number, stride: number, rng?: Rng) {
    super();
    checkBlock("residual block", inChannels, channels, stride);
    this.conv1 = new Conv2d(inChannels, channels, 3, { stride, padding: 1, bias: false, rng });
    this.bn1 = new BatchNorm2d(channels);
    this.act1 = new ReLU();
    this.conv2 = new Conv2d(channels, channels, 3, { padding: 1, bias: false, rng });
    this.bn2 = new BatchNorm2d(channels);
  }
  /** activation(second normalized sum + shortcut). */
  protected join(x: Tensor, shortcut: Tensor, activation: Module): Tensor {
    const h = normActivation(this.bn1, this.act1, this.conv1.forward(x));
    return normActivation(this.bn2, activation, this.conv2.forward(h), shortcut);
  }
}

/** Residual block whose shortcut has no parameters (option A). */
export class BasicBlock extends ResidualBlock {
  shortcut: Module;
  act2: Module;

  constructor(inChannels: number, channels: number, stride: number, rng?: Rng) {
    super(inChannels, channels, stride, rng);
    const same = stride === 1 && inChannels === channels;
    this.shortcut = same ? new Identity() : new PaddedShortcut(inChannels, channels, stride);
    this.act2 = new ReLU();
  }
  override forward(x: Tensor): Tensor {
    return this.join(x, this.shortcut.forward(x), this.act2);
  }
}

/**
 * Residual block whose shortcut, where the shape changes, is a 1×1 convolution with batch norm (option B):
 * `downsample.0`, `downsample.1`.
 */
export class ProjectedBlock extends ResidualBlock {
  downsample: Module;
  act2: Module;

  constructor(inChannels: number, channels: number, stride: number, rng?: Rng) {
    super(inChannels, channels, stride, rng);
    const same = stride === 1 && inChannels === channels;
    this.downsample = same
      ? new Identity()
      : new Sequential(new Conv2d(inChannels, channels, 1, { stride, bias: false, rng }), new BatchNorm2d(channels));
    this.act2 = new ReLU();
  }
  override forward(x: Tensor): Tensor {
    return this.join(x, this.downsample.forward(x), this.act2);
  }
}

/** Options of CIFAR residual networks. */
export interface ResNetOptions extends Omit<ImageModelOptions, "size"> {
  /** Blocks in each of the three stages: 3 for ResNet-20, n for ResNet-(6n+2). */
  blocks?: number;
  /** Constants that the network subtracts and divides by first; none by default. */
  normalize?: { mean: readonly number[]; std: readonly number[] };
}

/** `size` may be said as for other image models: a residual network takes any. */
const RESNET_RULES: OptionRules<Omit<ResNetOptions, "blocks"> & ImageModelOptions> = {
  ...IMAGE_RULES,
  normalize: record,
};
/** A thousand blocks a stage are more than six thousand layers. */
const MOST_BLOCKS = 1000;

/** The options of a network of so many blocks a stage, unless they say another number. */
function withBlocks(blocks: number, options: ResNetOptions): ResNetOptions {
  check("resnet", "options", options, record);
  return { blocks, ...options };
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

  constructor(options: ResNetOptions = {}) {
    super();
    checkOptions<ResNetOptions & ImageModelOptions>("resnet", options, {
      ...RESNET_RULES,
      blocks: integer(1, MOST_BLOCKS),
    });
    const { classes = 10, channels = 3, blocks = 3, rng, normalize } = options;
    checkWeights("resnet", [channels * 16 * 9, 64 * classes]);
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
 * ResNet-20 for CIFAR. State-dict keys are those of the common PyTorch implementation (`layer2.0.conv1.weight`,
 * `linear.weight`).
 *
 * @param options `classes` 10, `channels` 3, `normalize` constants of the checkpoint that will be loaded
 */
export function resnet20(options: ResNetOptions = {}): CifarResNet {
  return new CifarResNet(withBlocks(3, options));
}

/** ResNet-32 for CIFAR: {@link resnet20} with five blocks a stage. */
export function resnet32(options: ResNetOptions = {}): CifarResNet {
  return new CifarResNet(withBlocks(5, options));
}

/** ResNet-44 for CIFAR: {@link resnet20} with seven blocks a stage. */
export function resnet44(options: ResNetOptions = {}): CifarResNet {
  return new CifarResNet(withBlocks(7, options));
}

/** ResNet-56 for CIFAR: {@link resnet20} with nine blocks a stage. */
export function resnet56(options: ResNetOptions = {}): CifarResNet {
  return new CifarResNet(withBlocks(9, options));
}

/** Options of {@link resnet18}. */
export interface ResNet18Options extends Omit<ResNetOptions, "blocks"> {
  /**
   * How the network begins: as for 224×224 pixels, by a convolution of 7×7 with stride 2 and a max pool with stride 2; or,
   * for images of about 64×64, by a convolution of 3×3 with stride 2 alone. @default "imagenet"
   */
  stem?: "imagenet" | "small";
}

/** Channels of ResNet-18's four stages. */
const RESNET18_WIDTHS = [64, 128, 256, 512];

/**
 * conv 7×7 64 stride 2, BN, ReLU, max pool 3 stride 2; four stages of two blocks, 64 to 512 channels; global average
 * pool; `fc`. With the small stem: conv 3×3 64 stride 2, BN, ReLU, and no pool.
 */
export class ResNet extends Module {
  normalize: Module;
  conv1: Module;
  bn1: Module;
  act1: Module;
  maxpool: Module;
  layer1: Module[];
  layer2: Module[];
  layer3: Module[];
  layer4: Module[];
  avgpool: Module;
  fc: Module;

  constructor(options: ResNet18Options = {}) {
    super();
    const rules = { ...RESNET_RULES, stem: oneOf("imagenet", "small") };
    checkOptions<ResNet18Options & ImageModelOptions>("resnet18", options, rules);
    const { classes = 1000, channels = 3, rng, normalize, stem = "imagenet" } = options;
    const kernel = stem === "small" ? 3 : 7;
    checkWeights("resnet18", [channels * RESNET18_WIDTHS[0] * kernel * kernel, RESNET18_WIDTHS[3] * classes]);
    const stage = (k: number): Module[] => {
      const [before, width] = [RESNET18_WIDTHS[Math.max(0, k - 1)], RESNET18_WIDTHS[k]];
      return [new ProjectedBlock(before, width, k === 0 ? 1 : 2, rng), new ProjectedBlock(width, width, 1, rng)];
    };
    this.normalize = normalize === undefined ? new Identity() : new Normalize(normalize.mean, normalize.std);
    this.conv1 = new Conv2d(channels, RESNET18_WIDTHS[0], kernel, {
      stride: 2,
      padding: (kernel - 1) / 2,
      bias: false,
      rng,
    });
    this.bn1 = new BatchNorm2d(RESNET18_WIDTHS[0]);
    this.act1 = new ReLU();
    this.maxpool = stem === "small" ? new Identity() : new MaxPool2d(3, { stride: 2, padding: 1 });
    this.layer1 = stage(0);
    this.layer2 = stage(1);
    this.layer3 = stage(2);
    this.layer4 = stage(3);
    this.avgpool = new GlobalAvgPool2d();
    this.fc = new Linear(RESNET18_WIDTHS[3], classes, { rng });
    this.nameParameters();
  }

  /** @param x [N, H, W, channels], 224×224 by design @returns logits [N, classes] */
  override forward(x: Tensor): Tensor {
    let h = this.act1.forward(this.bn1.forward(this.conv1.forward(this.normalize.forward(x))));
    h = this.maxpool.forward(h);
    for (const block of [...this.layer1, ...this.layer2, ...this.layer3, ...this.layer4]) h = block.forward(h);
    return this.fc.forward(this.avgpool.forward(h));
  }
}

/**
 * ResNet-18 for ImageNet. State-dict keys are torchvision's (`layer2.0.downsample.0.weight`, `fc.weight`), so its
 * checkpoints load as they are. Any image of at least 32×32 pixels runs; 224×224 is the design, 64×64 that of the small
 * stem, whose keys are the same.
 *
 * @param options `classes` 1000, `channels` 3, `stem`, `normalize` constants of the checkpoint that will be loaded
 */
export function resnet18(options: ResNet18Options = {}): ResNet {
  return new ResNet(options);
}
