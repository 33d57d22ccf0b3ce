/** @file ResNet-18 for 224×224 images, the network by which runtimes are compared; with parameter-free shortcuts. */
import type { Tensor } from "../../index.js";
import { BasicBlock } from "../../models/index.js";
import { BatchNorm2d, Conv2d, GlobalAvgPool2d, Linear, MaxPool2d, Module, ReLU } from "../../nn/index.js";

/** Channels of the four stages of two blocks. */
export const RESNET18_WIDTHS: readonly number[] = [64, 128, 256, 512];
/** Height, width and channels of an image. */
export const RESNET18_IMAGE: readonly number[] = [224, 224, 3];
/** Classes. */
export const RESNET18_CLASSES = 1000;

/** conv 7×7 stride 2, BN, ReLU, pool 3 stride 2; four stages of two blocks; global average pool; linear. */
export class ResNet18 extends Module {
  conv1: Module = new Conv2d(3, RESNET18_WIDTHS[0], 7, { stride: 2, padding: 3, bias: false });
  bn1: Module = new BatchNorm2d(RESNET18_WIDTHS[0]);
  act1: Module = new ReLU();
  pool1: Module = new MaxPool2d(3, { stride: 2, padding: 1 });
  blocks: Module[] = RESNET18_WIDTHS.flatMap((width, stage) => {
    const before = RESNET18_WIDTHS[Math.max(0, stage - 1)];
    return [new BasicBlock(before, width, stage === 0 ? 1 : 2), new BasicBlock(width, width, 1)];
  });
  pool: Module = new GlobalAvgPool2d();
  linear: Module = new Linear(RESNET18_WIDTHS[3], RESNET18_CLASSES);

  constructor() {
    super();
    this.nameParameters();
  }
  /** @param x [N, 224, 224, 3] @returns logits [N, 1000] */
  override forward(x: Tensor): Tensor {
    let h = this.pool1.forward(this.act1.forward(this.bn1.forward(this.conv1.forward(x))));
    for (const block of this.blocks) h = block.forward(h);
    return this.linear.forward(this.pool.forward(h));
  }
}
