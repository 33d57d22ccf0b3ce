/** @file `activation` as the operator of its function; SiLU, which has none, as two. */
import type { NodeOf } from "../../format/index.js";
import type { Attribute } from "../builder.js";
import { type Emission, type NodeEmitter, vectorOf } from "../emitter.js";

type Activation = NodeOf<"activation">;
type Emit = (emission: Emission<Activation>) => string;

/** An operator of one input, with attributes. */
function operator(
  op: string,
  attributes: (node: Activation) => Readonly<Record<string, Attribute>> = () => ({}),
): Emit {
  return ({ node, emitter, x }) => emitter.builder.node(op, [x.name], node.id, attributes(node));
}

const alphaOf = ({ alpha = 0 }: Activation) => ({ alpha: { float: alpha } });

/** Operators by function: one without does not compile. */
const EMITS: Readonly<Record<Activation["fn"], Emit>> = {
  sigmoid: operator("Sigmoid"),
  tanh: operator("Tanh"),
  clip({ node: { id, alpha, beta }, emitter, x }) {
    const bounds = [alpha, beta].map((bound) => (bound === undefined ? "" : emitter.f32(bound)));
    while (bounds.at(-1) === "") bounds.pop();
    return emitter.builder.node("Clip", [x.name, ...bounds], id);
  },
  leakyRelu: operator("LeakyRelu", alphaOf),
  prelu(emission) {
    const { node, emitter, x, data } = emission;
    return emitter.builder.node("PRelu", [x.name, vectorOf(emission, "slope", data.value as Float32Array)], node.id);
  },
  elu(emission) {
    const { beta = 1 } = emission.node;
    const scaled = operator("Selu", (node) => ({ ...alphaOf(node), gamma: { float: beta } }));
    return beta === 1 ? operator("Elu", alphaOf)(emission) : scaled(emission);
  },
  gelu: operator("Gelu"),
  geluTanh: operator("Gelu", () => ({ approximate: "tanh" })),
  silu({ node: { id }, emitter: { builder }, x }) {
    return builder.node("Mul", [x.name, builder.node("Sigmoid", [x.name], `${id}/sigmoid`)], id);
  },
  hardSwish: operator("HardSwish"),
  hardSigmoid: operator("HardSigmoid", (node) => ({ ...alphaOf(node), beta: { float: node.beta ?? 0 } })),
};

export const activation: NodeEmitter<Activation> = (emission) => [EMITS[emission.node.fn](emission), emission.x.order];
