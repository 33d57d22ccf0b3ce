/** @file Blocks of residual networks (He et al. 2016), with parameter-free shortcuts and with projections. */
import { pad } from "../autograd/functions.js";
import type { Tensor } from "../autograd/tensor.js";
import { check, integer } from "../core/checks.js";
import type { Rng } from "../core/rng.js";
import { Identity, ReLU } from "../nn/activation.js";
import { BatchNorm2d } from "../nn/batch-norm.js";
import { Conv2d } from "../nn/conv.js";
import { Module } from "../nn/module.js";
import { normActivation } from "../nn/norm-activation.js";
import { MaxPool2d } from "../nn/pool.js";
import { Sequential } from "../nn/sequential.js";

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
