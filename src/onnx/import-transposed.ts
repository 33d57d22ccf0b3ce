/** @file Import of ConvTranspose. */
import { Rng } from "../core/rng.js";
import { shapeText } from "../core/shape.js";
import { ConvTranspose2d } from "../nn/conv-transpose.js";
import type { GraphNode } from "./graph.js";
import type { Importing } from "./importing.js";
import { autoPadOf, integersOf, short } from "./windows.js";

/** What is cut off an axis, and what is added at its end. */
interface Cut {
  readonly begin: number;
  readonly end: number;
  readonly more: number;
  readonly out: number;
}

/** A transposed convolution of images [N,C,H,W] with constant weights [C,O/group,Kh,Kw]. */
export function importConvTranspose(node: GraphNode, importing: Importing): void {
  importing.arity(node, 2, 3);
  const x = importing.image(node);
  const weight = importing.reals(node, 1);
  const [channels, h, w] = x.shape;
  if (weight.shape.length !== 4) importing.refuse(node, "weight", "[C,O/group,Kh,Kw]", shapeText(weight.shape));
  const [inner, filters, kh, kw] = weight.shape;
  const groups = node.attributes.int("group", 1);
  if (!(groups >= 1) || inner !== channels || channels % groups !== 0 || filters * kh * kw === 0) {
    const got = `${groups} groups, weight ${shapeText(weight.shape)}`;
    importing.refuse(node, "groups and weight", `a weight for ${channels} channels`, got);
  }
  const out = filters * groups;
  const bias = importing.optionalReals(node, 2) && importing.vector(node, 2, out);
  const two = (name: string, least: number, otherwise: readonly number[]): readonly number[] =>
    integersOf(node, importing, name, { count: 2, least, otherwise });
  const kernel = two("kernel_shape", 1, [kh, kw]);
  if (`${kernel}` !== `${[kh, kw]}`) importing.refuse(node, "attribute kernel_shape", `[${[kh, kw]}]`, `[${kernel}]`);
  const [strides, dilations] = [two("strides", 1, [1, 1]), two("dilations", 1, [1, 1])];
  const [v, z] = cuts(node, importing, [h, w], kernel, strides, dilations);
  const info = { shape: [out, v.out, z.out], layout: "image", stretches: null } as const;
  importing.layer(node, importing.keyOf(node, weight), x.slot, info, () => {
    const sides = [v.begin, v.end, z.begin, z.end] as const;
    const even = v.begin === v.end && z.begin === z.end;
    const made = new ConvTranspose2d(channels, out, [kh, kw], {
      stride: short([strides[0], strides[1]]),
      dilation: short([dilations[0], dilations[1]]),
      padding: even ? short([v.begin, z.begin]) : sides,
      outputPadding: short([v.more, z.more]),
      groups,
      bias: bias !== undefined,
      // A stream of its own: the values are replaced, and importing must not draw from the program's.
      rng: new Rng(0),
    });
    made.weight.set(weight.data);
    if (bias) made.bias?.set(bias);
    return made;
  });
}

/** What pads, output_padding, output_shape and auto_pad say of each axis. */
function cuts(
  node: GraphNode,
  importing: Importing,
  image: readonly number[],
  kernel: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
): readonly Cut[] {
  const { attributes } = node;
  const refuse = (what: string, expected: string, got: string): never => importing.refuse(node, what, expected, got);
  const pads = integersOf(node, importing, "pads", { count: 4, least: 0, otherwise: [0, 0, 0, 0] });
  const more = integersOf(node, importing, "output_padding", { count: 2, least: 0, otherwise: [0, 0] });
  // Some exporters give the batch and the channels too.
  const wanted = attributes.ints("output_shape")?.slice(-2);
  const auto = autoPadOf(node, importing);
  if (auto !== "NOTSET" && pads.some((side) => side > 0)) refuse(`auto_pad ${auto}`, "no pads beside it", `[${pads}]`);
  return image.map((extent, axis): Cut => {
    const full = (extent - 1) * strides[axis] + dilations[axis] * (kernel[axis] - 1) + 1 + more[axis];
    let [begin, end] = [pads[axis], pads[axis + 2]];
    const out = wanted?.[axis] ?? (auto.startsWith("SAME") ? extent * strides[axis] : full - begin - end);
    if (wanted !== undefined || auto.startsWith("SAME")) {
      const total = full - out;
      if (total < 0) refuse("output extent", `at most ${full}`, `${out}`);
      const less = Math.floor(total / 2);
      [begin, end] = auto === "SAME_UPPER" ? [less, total - less] : [total - less, less];
    }
    if (out < 1) refuse("pads", `less than ${full}`, `${begin} and ${end}`);
    if (more[axis] >= Math.max(strides[axis], dilations[axis])) {
      refuse("attribute output_padding", "less than the stride or the dilation", `[${more}]`);
    }
    return { begin, end, more: more[axis], out };
  });
}
