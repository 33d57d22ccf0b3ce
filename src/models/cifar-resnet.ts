/** @file Residual networks for 32×32 images (He et al. 2016, section 4.2). */
import type { Tensor } from "../autograd/tensor.js";
import { check, checkOptions, integer, record } from "../core/checks.js";
import { Identity, ReLU } from "../nn/activation.js";
import { BatchNorm2d } from "../nn/batch-norm.js";
import { Conv2d } from "../nn/conv.js";
import { Linear } from "../nn/linear.js";
import { Module } from "../nn/module.js";
import { normActivation } from "../nn/norm-activation.js";
import { Normalize } from "../nn/normalize.js";
import { GlobalAvgPool2d } from "../nn/pool.js";
import { checkWeights, type ImageModelOptions, RESNET_RULES, type ResNetOptions } from "./options.js";
import { BasicBlock, ProjectedBlock } from "./residual-blocks.js";

/** A thousand blocks a stage are more than six thousand layers. */
const MOST_BLOCKS = 1000;

/** Channels of the last stage. */
const FEATURES = 64;

/** What comes behind the stages. */
const classifierOf = ({ classes = 10, rng }: ResNetOptions): Linear => new Linear(FEATURES, classes, { rng });

/** The options of a network of so many blocks a stage, unless they say another number. */
function withBlocks(blocks: number, options: ResNetOptions): ResNetOptions {
  check("resnet", "options", options, record);
  return { blocks, ...options };
}

/** conv 3×3 16, BN, ReLU; three stages of blocks with 16, 32, 64 channels; global average pool. */
abstract class CifarStages extends Module {
  normalize: Module;
  conv1: Module;
  bn1: Module;
  act1: Module;
  layer1: Module[];
  layer2: Module[];
  layer3: Module[];
  pool: Module;

  /** @param Block its shortcut is what the networks differ by */
  constructor(options: ResNetOptions, Block: typeof BasicBlock | typeof ProjectedBlock) {
    super();
    checkOptions<ResNetOptions & ImageModelOptions>("resnet", options, {
      ...RESNET_RULES,
      blocks: integer(1, MOST_BLOCKS),
    });
    const { classes = 10, channels = 3, blocks = 3, rng, normalize } = options;
    checkWeights("resnet", [channels * 16 * 9, FEATURES * classes]);
    const stage = (inChannels: number, width: number, stride: number): Module[] =>
      Array.from({ length: blocks }, (_, k) =>
        k === 0 ? new Block(inChannels, width, stride, rng) : new Block(width, width, 1, rng),
      );
    this.normalize = normalize === undefined ? new Identity() : new Normalize(normalize.mean, normalize.std);
    this.conv1 = new Conv2d(channels, 16, 3, { padding: 1, bias: false, rng });
    this.bn1 = new BatchNorm2d(16);
    this.act1 = new ReLU();
    this.layer1 = stage(16, 16, 1);
    this.layer2 = stage(16, 32, 2);
    this.layer3 = stage(32, FEATURES, 2);
    this.pool = new GlobalAvgPool2d();
  }

  /** @returns means of the last stage's channels, [N, 64] */
  protected features(x: Tensor): Tensor {
    let h = normActivation(this.bn1, this.act1, this.conv1.forward(this.normalize.forward(x)));
    for (const block of [...this.layer1, ...this.layer2, ...this.layer3]) h = block.forward(h);
    return this.pool.forward(h);
  }
}

/** Residual network for CIFAR whose shortcuts have no parameters; then `linear`. */
export class CifarResNet extends CifarStages {
  linear: Module;

  constructor(options: ResNetOptions = {}) {
    super(options, BasicBlock);
    this.linear = classifierOf(options);
    this.nameParameters();
  }

  /** @param x [N, H, W, channels], 32×32 by design @returns logits [N, classes] */
  override forward(x: Tensor): Tensor {
    return this.linear.forward(this.features(x));
  }
}

/** Residual network for CIFAR with a 1×1 convolution and batch norm in the shortcuts between stages; then `fc`. */
export class ProjectedCifarResNet extends CifarStages {
  fc: Module;

  constructor(options: ResNetOptions = {}) {
    super(options, ProjectedBlock);
    this.fc = classifierOf(options);
    this.nameParameters();
  }

  /** @param x [N, H, W, channels], 32×32 by design @returns logits [N, classes] */
  override forward(x: Tensor): Tensor {
    return this.fc.forward(this.features(x));
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

/**
 * ResNet-20 for CIFAR with projections between stages ("option B"). State-dict keys are torchvision's and those of
 * github.com/chenyaofo/pytorch-cifar-models (`layer2.0.downsample.0.weight`, `fc.weight`), so its checkpoints load as
 * they are.
 *
 * @param options `classes` 10, `channels` 3, `normalize` constants of the checkpoint that will be loaded
 */
export function resnet20b(options: ResNetOptions = {}): ProjectedCifarResNet {
  return new ProjectedCifarResNet(withBlocks(3, options));
}

/** ResNet-32 for CIFAR: {@link resnet20b} with five blocks a stage. */
export function resnet32b(options: ResNetOptions = {}): ProjectedCifarResNet {
  return new ProjectedCifarResNet(withBlocks(5, options));
}

/** ResNet-44 for CIFAR: {@link resnet20b} with seven blocks a stage. */
export function resnet44b(options: ResNetOptions = {}): ProjectedCifarResNet {
  return new ProjectedCifarResNet(withBlocks(7, options));
}

/** ResNet-56 for CIFAR: {@link resnet20b} with nine blocks a stage. */
export function resnet56b(options: ResNetOptions = {}): ProjectedCifarResNet {
  return new ProjectedCifarResNet(withBlocks(9, options));
}
