/** @file Networks, and the table by which the command line and run configurations name them. */
import { check, checkOptions, record, text } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import type { Module } from "../nn/module.js";
import { type NormalizeOptions, normalizeInput } from "../nn/normalize.js";
import { alexnet } from "./alexnet.js";
import { resnet20, resnet20b, resnet32, resnet32b, resnet44, resnet44b, resnet56, resnet56b } from "./cifar-resnet.js";
import { dscnn } from "./dscnn.js";
import { lenet5 } from "./lenet.js";
import { mlp } from "./mlp.js";
import { mobilenetv1 } from "./mobilenetv1.js";
import { mobilenetv2 } from "./mobilenetv2.js";
import { IMAGE_RULES, type ImageModelOptions, type MobileNetOptions } from "./options.js";
import { resnet18 } from "./resnet.js";
import { vgg11, vggsmall } from "./vgg.js";

export { AlexNet, type AlexNetOptions, alexnet } from "./alexnet.js";
export {
  CifarResNet,
  ProjectedCifarResNet,
  resnet20,
  resnet20b,
  resnet32,
  resnet32b,
  resnet44,
  resnet44b,
  resnet56,
  resnet56b,
} from "./cifar-resnet.js";
export { DsCnn, type DsCnnOptions, dscnn, SeparableBlock } from "./dscnn.js";
export { LeNet5, lenet5 } from "./lenet.js";
export { Mlp, type MlpOptions, mlp } from "./mlp.js";
export { MobileNetV1, mobilenetv1 } from "./mobilenetv1.js";
export { MobileNetV2, type MobileNetV2Options, mobilenetv2 } from "./mobilenetv2.js";
export type { ImageModelOptions, MobileNetOptions, ResNetOptions } from "./options.js";
export { BasicBlock, PaddedShortcut, ProjectedBlock } from "./residual-blocks.js";
export { ResNet, type ResNet18Options, resnet18 } from "./resnet.js";
export { Vgg, vgg11, vggsmall } from "./vgg.js";

/** A MobileNet of a width, for the table. */
function narrow(make: (options: MobileNetOptions) => Module, width: number): (options: ImageModelOptions) => Module {
  return (options) => {
    checkOptions("model", options, IMAGE_RULES);
    return make({ ...options, width });
  };
}

/** Image classifiers by name; a number behind the name is a width. */
const MODELS: Readonly<Record<string, (options: ImageModelOptions) => Module>> = {
  alexnet,
  dscnn: ({ size: _, ...options }) => dscnn(options),
  lenet5,
  mlp: (options) => {
    checkOptions("mlp", options, IMAGE_RULES);
    const { classes = 10, channels = 1, size = 28, rng } = options;
    return mlp({ sizes: [size * size * channels, 256, 256, classes], rng });
  },
  mobilenetv1,
  "mobilenetv1-0.25": narrow(mobilenetv1, 0.25),
  "mobilenetv1-0.5": narrow(mobilenetv1, 0.5),
  mobilenetv2,
  "mobilenetv2-0.35": narrow(mobilenetv2, 0.35),
  "mobilenetv2-0.5": narrow(mobilenetv2, 0.5),
  resnet18,
  "resnet18-64": (options) => resnet18({ ...options, stem: "small" }),
  resnet20,
  resnet20b,
  resnet32,
  resnet32b,
  resnet44,
  resnet44b,
  resnet56,
  resnet56b,
  vgg11,
  vggsmall,
};

/** Networks that take images of any height and width. */
const ANY_SHAPE: readonly string[] = ["dscnn"];

/** Whether the network of that name takes images that are not square. */
export function takesAnyShape(name: string): boolean {
  return ANY_SHAPE.includes(name);
}

/** Names that {@link model} knows. */
export const MODEL_NAMES: readonly string[] = Object.keys(MODELS);

/**
 * Makes a network by its name.
 *
 * @param name one of {@link MODEL_NAMES}; `mlp` has two hidden layers of 256, `resnet18-64` the small stem
 * @param options the images that it is made for, and how it normalizes them (not at all by default)
 * @throws ArgumentError on an unknown name, images that do not fit, or bad constants
 */
export function model(name: string, options: ImageModelOptions & { normalize?: NormalizeOptions } = {}): Module {
  check("model", "name", name, text);
  check("model", "options", options, record);
  const { normalize, ...own } = options;
  if (!Object.hasOwn(MODELS, name)) {
    throw new ArgumentError({ op: "model", what: "unknown model", expected: MODEL_NAMES.join(", "), got: name });
  }
  const net = MODELS[name](own);
  return normalize === undefined ? net : normalizeInput(net, normalize);
}
