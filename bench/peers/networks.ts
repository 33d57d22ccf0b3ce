/**
 * @file Networks as ONNX graphs, batch norms folded into the convolutions, in f32 or in bytes. Their weights are
 * random: they are only timed.
 */
import { Rng } from "../../src/index.js";
import { type Constant, convAttributes, type Data, type Graph, type Node } from "./onnx.js";

/** Bytes: u8 activations, i8 weights, one scale for each tensor; the first and the last layer stay f32. */
export type Arithmetic = "f32" | "int8";

/** Networks that peers run. */
export const GRAPHS = {
  resnet18: resnet18Graph,
  resnet20: resnet20Graph,
  vgg11: vgg11Graph,
  "mobilenetv1-0.25": mobilenetv1Graph,
};

/** Blocks of two convolutions, `blocks` a stage; 1×1 convolutions where the shape changes. */
function stages(network: Builder, input: string, widths: readonly number[], blocks: number): string {
  let h = input;
  widths.forEach((width, stage) => {
    const before = widths[Math.max(0, stage - 1)];
    const stride = stage === 0 ? 1 : 2;
    const shortcut = stage === 0 ? h : network.conv(h, before, width, 1, 0, stride, "signed");
    h = network.block(h, shortcut, stage !== 0, before, width, stride);
    for (let block = 1; block < blocks; block++) h = network.block(h, h, false, width, width, 1);
  });
  return h;
}

function graphOf(
  network: Builder,
  image: readonly [size: number, channels: number],
  logits: string,
  classes: number,
): Graph {
  return {
    nodes: network.nodes,
    constants: network.constants,
    inputs: [{ name: "x", shape: [1, image[1], image[0], image[0]] }],
    outputs: [{ name: logits, shape: [1, classes] }],
  };
}

/** Global average pool and a linear layer in f32. */
function pooledLinear(network: Builder, h: string, width: number, classes: number): string {
  const pooled = network.add({ op: "GlobalAveragePool", inputs: [network.toFloat(h)] });
  return network.linear(pooled, width, classes);
}

function resnet18Graph(arithmetic: Arithmetic): Graph {
  const network = new Builder(arithmetic);
  const first = network.relu(network.floatConv("x", 3, 64, 7, 3, 2));
  const pooled = network.add({ op: "MaxPool", inputs: [first], attributes: convAttributes(3, 1, 2) });
  const h = stages(network, network.toBytes(pooled), [64, 128, 256, 512], 2);
  return graphOf(network, [224, 3], pooledLinear(network, h, 512, 1000), 1000);
}

/**
 * Its shortcuts have no parameters in ours; here they are 1×1 convolutions (1 % of the products), which runtimes do
 * faster than slices and pads.
 */
function resnet20Graph(arithmetic: Arithmetic): Graph {
  const network = new Builder(arithmetic);
  const first = network.relu(network.floatConv("x", 3, 16, 3, 1, 1));
  const h = stages(network, network.toBytes(first), [16, 32, 64], 3);
  return graphOf(network, [32, 3], pooledLinear(network, h, 64, 10), 10);
}

function vgg11Graph(arithmetic: Arithmetic): Graph {
  const network = new Builder(arithmetic);
  const pool = (h: string): string => network.add({ op: "MaxPool", inputs: [h], attributes: convAttributes(2, 0, 2) });
  let h = network.toBytes(pool(network.relu(network.floatConv("x", 3, 64, 3, 1, 1))));
  let before = 64;
  for (const width of [128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0]) {
    if (width === 0) h = pool(h);
    else h = network.conv(h, before, width, 3, 1, 1, "unsigned");
    before = width === 0 ? before : width;
  }
  return graphOf(network, [32, 3], network.linear(network.toFloat(h), 512, 10), 10);
}

/** Of a quarter of the paper's channels. */
function mobilenetv1Graph(arithmetic: Arithmetic): Graph {
  const network = new Builder(arithmetic);
  let h = network.toBytes(network.relu(network.floatConv("x", 3, 8, 3, 1, 2)));
  let before = 8;
  const strided = [32, 64, 128, 256];
  for (const width of [16, 32, 32, 64, 64, 128, 128, 128, 128, 128, 128, 256, 256]) {
    const stride = strided.includes(width) && before < width ? 2 : 1;
    h = network.conv(h, before, before, 3, 1, stride, "unsigned", before);
    h = network.conv(h, before, width, 1, 0, 1, "unsigned");
    before = width;
  }
  return graphOf(network, [224, 3], pooledLinear(network, h, before, 1000), 1000);
}

/** Sums before a rectifier are signed, codes after it are not. */
type Range = "signed" | "unsigned";

class Builder {
  readonly nodes: Node[] = [];
  readonly constants: Constant[] = [];
  readonly int8: boolean;
  readonly rng = new Rng(1);

  constructor(arithmetic: Arithmetic) {
    this.int8 = arithmetic === "int8";
    if (!this.int8) return;
    this.given("scale", [], Float32Array.of(0.05));
    this.given("weightScale", [], Float32Array.of(0.01));
    this.given("zero", [], Uint8Array.of(0));
    this.given("middle", [], Uint8Array.of(128));
    this.given("weightZero", [], Int8Array.of(0));
  }

  add(node: Omit<Node, "output">): string {
    const output = `v${this.nodes.length}`;
    this.nodes.push({ ...node, output });
    return output;
  }
  given(name: string, shape: readonly number[], data: Data): string {
    this.constants.push({ name, shape, data });
    return name;
  }
  constant(shape: readonly number[], kind: "f32" | "i8"): string {
    const size = shape.reduce((a, b) => a * b, 1);
    const real = new Float32Array(size);
    this.rng.fillUniform(real, -1, 1);
    const data = kind === "f32" ? real.map((value) => value * 0.05) : Int8Array.from(real, (value) => value * 127);
    return this.given(`c${this.constants.length}`, shape, data);
  }
  relu(x: string): string {
    return this.add({ op: "Relu", inputs: [x] });
  }
  toBytes(x: string): string {
    return this.int8 ? this.add({ op: "QuantizeLinear", inputs: [x, "scale", "zero"] }) : x;
  }
  toFloat(x: string): string {
    return this.int8 ? this.add({ op: "DequantizeLinear", inputs: [x, "scale", "zero"] }) : x;
  }
  /** Flatten and a linear layer in f32. */
  linear(x: string, from: number, to: number): string {
    const flat = this.add({ op: "Flatten", inputs: [x] });
    return this.add({ op: "MatMul", inputs: [flat, this.constant([from, to], "f32")] });
  }
  floatConv(x: string, from: number, to: number, kernel: number, padding: number, stride: number, groups = 1): string {
    const inputs = [x, this.constant([to, from / groups, kernel, kernel], "f32"), this.constant([to], "f32")];
    return this.add({ op: "Conv", inputs, attributes: convAttributes(kernel, padding, stride, groups) });
  }
  conv(
    x: string,
    from: number,
    to: number,
    kernel: number,
    padding: number,
    stride: number,
    range: Range,
    groups = 1,
  ): string {
    if (!this.int8) {
      const y = this.floatConv(x, from, to, kernel, padding, stride, groups);
      return range === "signed" ? y : this.relu(y);
    }
    const weight = this.constant([to, from / groups, kernel, kernel], "i8");
    const zero = range === "signed" ? "middle" : "zero";
    return this.add({
      op: "QLinearConv",
      inputs: [x, "scale", "zero", weight, "weightScale", "weightZero", "scale", zero],
      attributes: convAttributes(kernel, padding, stride, groups),
    });
  }
  block(x: string, shortcut: string, signed: boolean, from: number, to: number, stride: number): string {
    const inner = this.conv(x, from, to, 3, 1, stride, "unsigned");
    const sum = this.conv(inner, to, to, 3, 1, 1, "signed");
    if (!this.int8) return this.relu(this.add({ op: "Add", inputs: [sum, shortcut] }));
    const inputs = [sum, "scale", "middle", shortcut, "scale", signed ? "middle" : "zero", "scale", "zero"];
    return this.add({ op: "QLinearAdd", inputs, microsoft: true });
  }
}
