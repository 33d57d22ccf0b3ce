/** @file AlexNet in torchvision's form ("One weird trick", Krizhevsky 2014), with batch norm for quantization. */
import type { Tensor } from "../autograd/tensor.js";
import { checkOptions, flag } from "../core/checks.js";
import { ReLU } from "../nn/activation.js";
import { BatchNorm1d, BatchNorm2d } from "../nn/batch-norm.js";
import { Conv2d } from "../nn/conv.js";
import { Dropout } from "../nn/dropout.js";
import { Linear } from "../nn/linear.js";
import { Module } from "../nn/module.js";
import { Flatten, MaxPool2d } from "../nn/pool.js";
import { Sequential } from "../nn/sequential.js";
import { checkWeights, IMAGE_RULES, type ImageModelOptions, pooledSize } from "./options.js";

/** Options of {@link alexnet}. */
export interface AlexNetOptions extends ImageModelOptions {
  /**
   * Batch norm between each layer and its ReLU, no dropout, no biases that the norm would cancel: what networks with
   * 1-bit weights need, as they carry no scale of their own. Default true. `false` is torchvision's network, parameter
   * for parameter.
   */
  batchNorm?: boolean;
}

/** Output channels, kernel, stride and padding of the convolutions; a pool 3 stride 2 follows where `pool` is set. */
const CONVOLUTIONS = [
  { out: 64, kernel: 11, stride: 4, padding: 2, pool: true },
  { out: 192, kernel: 5, stride: 1, padding: 2, pool: true },
  { out: 384, kernel: 3, stride: 1, padding: 1, pool: false },
  { out: 256, kernel: 3, stride: 1, padding: 1, pool: false },
  { out: 256, kernel: 3, stride: 1, padding: 1, pool: true },
];
const HIDDEN = 4096;

/** Side of the last feature map. */
function sideAfter(size: number): number {
  return CONVOLUTIONS.reduce((side, { kernel, stride, padding, pool }) => {
    const own = Math.floor((side + 2 * padding - kernel) / stride) + 1;
    return pool ? Math.floor((own - 3) / 2) + 1 : own;
  }, size);
}

/**
 * Five convolutions (`features`, torchvision's numbers), flatten, three linear layers (`classifier`, 1, 4 and 6). The
 * batch norms, which torchvision's network lacks, stand apart as `norms.0` … `norms.6`, so that all other names are
 * torchvision's.
 */
export class AlexNet extends Module {
  features: Sequential;
  flatten: Module = new Flatten();
  norms: Module[];
  classifier: Sequential;

  constructor(options: AlexNetOptions = {}) {
    super();
    checkOptions<AlexNetOptions>("alexnet", options, { ...IMAGE_RULES, batchNorm: flag });
    const { classes = 1000, channels = 3, size = 224, batchNorm = true, rng } = options;
    // Checked before anything is allocated.
    const side = pooledSize("alexnet", size, sideAfter(size), 1);
    const largest = side * side * CONVOLUTIONS[CONVOLUTIONS.length - 1].out * HIDDEN;
    checkWeights("alexnet", [channels * CONVOLUTIONS[0].out * 11 * 11, largest, HIDDEN * HIDDEN, HIDDEN * classes]);
    let width = channels;
    const features: Module[] = [];
    const bias = !batchNorm;
    for (const { out, kernel, stride, padding, pool } of CONVOLUTIONS) {
      features.push(new Conv2d(width, out, kernel, { stride, padding, bias, rng }), new ReLU());
      if (pool) features.push(new MaxPool2d(3, { stride: 2 }));
      width = out;
    }
    const drop = (): Module => new Dropout(batchNorm ? 0 : 0.5, { rng });
    this.features = new Sequential(...features);
    const linear = (from: number): Module => new Linear(from, HIDDEN, { bias, rng });
    this.norms = batchNorm
      ? [...CONVOLUTIONS.map(({ out }) => new BatchNorm2d(out)), new BatchNorm1d(HIDDEN), new BatchNorm1d(HIDDEN)]
      : [];
    const first = linear(side * side * width);
    const last = (): Module => new Linear(HIDDEN, classes, { rng });
    this.classifier = new Sequential(drop(), first, new ReLU(), drop(), linear(HIDDEN), new ReLU(), last());
    this.nameParameters();
  }

  /** @param x [N, size, size, channels] @returns logits [N, classes] */
  override forward(x: Tensor): Tensor {
    let next = 0;
    /** Each norm goes before the activation that is next. */
    const run = (h: Tensor, layers: readonly Module[], hidden: readonly number[]): Tensor =>
      layers.reduce((value, layer, i) => {
        const y = layer.forward(value);
        return hidden.includes(i) && this.norms.length > 0 ? this.norms[next++].forward(y) : y;
      }, h);
    const h = run(x, this.features.children(), [0, 3, 6, 8, 10]);
    return run(this.flatten.forward(h), this.classifier.children(), [1, 4]);
  }
}

/**
 * AlexNet for ImageNet, for 224×224 images or others that leave a pixel after the last pool (63×63 and above).
 * torchvision averages the last feature map to 6×6, which is the identity at 224 and for which smaller images have a
 * smaller first linear layer here.
 *
 * The first linear layer of a torchvision checkpoint goes through `fromPyTorchFlatten`, as its flatten has another
 * order.
 *
 * @param options `classes` 1000, `channels` 3, `size` 224, `batchNorm` true
 * @throws ArgumentError if `size` is too small
 */
export function alexnet(options: AlexNetOptions = {}): AlexNet {
  return new AlexNet(options);
}
