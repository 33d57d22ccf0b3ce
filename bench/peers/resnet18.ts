/** @file ResNet-18 as an ONNX graph, batch norms folded into the convolutions, in f32 or in bytes. Its weights are random: it is only timed. */
import { RESNET18_CLASSES, RESNET18_IMAGE, RESNET18_WIDTHS } from "../../src/cli/bench/resnet18.js";
import { Rng } from "../../src/index.js";
import { type Constant, convAttributes, type Data, type Graph, type Node } from "./onnx.js";

/** Bytes: u8 activations, i8 weights, one scale for each tensor; the first and the last layer stay f32, as in our 1W4A network. */
export type Arithmetic = "f32" | "int8";

/** The network: {@link RESNET18_WIDTHS}, two blocks a stage, 1×1 convolutions where the shape changes. */
export function resnet18Graph(arithmetic: Arithmetic): Graph {
  const made = new Builder(arithmetic);
  let h = made.floatConv("x", 3, RESNET18_WIDTHS[0], 7, 3, 2);
  h = made.add({ op: "MaxPool", inputs: [made.relu(h)], attributes: convAttributes(3, 1, 2) });
  h = made.toBytes(h);
  RESNET18_WIDTHS.forEach((width, stage) => {
    const before = RESNET18_WIDTHS[Math.max(0, stage - 1)];
    const stride = stage === 0 ? 1 : 2;
    const shortcut = stage === 0 ? h : made.conv(h, before, width, 1, 0, stride, "signed");
    h = made.block(h, shortcut, stage !== 0, before, width, stride);
    h = made.block(h, h, false, width, width, 1);
  });
  const pooled = made.add({ op: "GlobalAveragePool", inputs: [made.toFloat(h)] });
  const flat = made.add({ op: "Flatten", inputs: [pooled] });
  const last = made.constant([RESNET18_WIDTHS[3], RESNET18_CLASSES], "f32");
  const logits = made.add({ op: "MatMul", inputs: [flat, last] });
  const [height, width, channels] = RESNET18_IMAGE;
  return {
    nodes: made.nodes,
    constants: made.constants,
    inputs: [{ name: "x", shape: [1, channels, height, width] }],
    outputs: [{ name: logits, shape: [1, RESNET18_CLASSES] }],
  };
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
  floatConv(x: string, from: number, to: number, kernel: number, padding: number, stride: number): string {
    const inputs = [x, this.constant([to, from, kernel, kernel], "f32"), this.constant([to], "f32")];
    return this.add({ op: "Conv", inputs, attributes: convAttributes(kernel, padding, stride) });
  }
  conv(x: string, from: number, to: number, kernel: number, padding: number, stride: number, range: Range): string {
    if (!this.int8) {
      const y = this.floatConv(x, from, to, kernel, padding, stride);
      return range === "signed" ? y : this.relu(y);
    }
    const weight = this.constant([to, from, kernel, kernel], "i8");
    const zero = range === "signed" ? "middle" : "zero";
    return this.add({
      op: "QLinearConv",
      inputs: [x, "scale", "zero", weight, "weightScale", "weightZero", "scale", zero],
      attributes: convAttributes(kernel, padding, stride),
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
