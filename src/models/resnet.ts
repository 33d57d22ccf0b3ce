/** @file ResNet-18 (He et al. 2016), with projections. */
import type { Tensor } from "../autograd/tensor.js";
import { checkOptions, oneOf } from "../core/checks.js";
import { Identity, ReLU } from "../nn/activation.js";
import { BatchNorm2d } from "../nn/batch-norm.js";
import { Conv2d } from "../nn/conv.js";
import { Linear } from "../nn/linear.js";
import { Module } from "../nn/module.js";
import { Normalize } from "../nn/normalize.js";
import { GlobalAvgPool2d, MaxPool2d } from "../nn/pool.js";
import { checkWeights, type ImageModelOptions, RESNET_RULES, type ResNetOptions } from "./options.js";
import { ProjectedBlock } from "./residual-blocks.js";

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
