/** @file `activation`: a function of each element, in f32, other than max(x, 0). */
import { oneOf, optional, real as realNumber } from "../../fields.js";
import { floats } from "../../tensors.js";
import { type Kind, sameReal } from "../kind.js";

/** How many parameters each function has, at least and at most. */
export const PARAMETERS = {
  sigmoid: [0, 0],
  tanh: [0, 0],
  /** min(max(x, alpha), beta); one that is left out does not bound. */
  clip: [0, 2],
  /** x > 0 ? x : alpha·x. */
  leakyRelu: [1, 1],
  /** x > 0 ? x : value[c]·x, c the last axis. */
  prelu: [0, 0],
  /** beta·(x > 0 ? x : alpha·(e^x − 1)). */
  elu: [2, 2],
  /** x·Φ(x). */
  gelu: [0, 0],
  /** x·½(1 + tanh(√(2/π)(x + 0.044715x³))). */
  geluTanh: [0, 0],
  /** x/(1 + e^−x). */
  silu: [0, 0],
  /** x·min(max(x + 3, 0), 6)/6. */
  hardSwish: [0, 0],
  /** min(max(alpha·x + beta, 0), 1). */
  hardSigmoid: [2, 2],
} as const;

/** A function of one number. */
export type ActivationName = keyof typeof PARAMETERS;

/** A function of each element. */
export interface PlanNodeActivation {
  readonly op: "activation";
  readonly id: string;
  readonly input: string;
  readonly fn: ActivationName;
  /** Parameters: f32 numbers. */
  readonly alpha?: number;
  readonly beta?: number;
}

export const activation: Kind<PlanNodeActivation> = {
  fields: { fn: oneOf(...Object.keys(PARAMETERS)), alpha: optional(realNumber), beta: optional(realNumber) },
  value(node, typing) {
    const { fn, alpha, beta } = node;
    const count = [alpha, beta].filter((value) => value !== undefined).length;
    const [least, most] = PARAMETERS[fn];
    if (count < least || count > most) typing.refuse(`parameters of ${fn}`, `${least} to ${most}`, `${count}`);
    return sameReal(node, typing);
  },
  tensors: ({ fn }, { shape }) => (fn === "prelu" ? [floats("value", shape.slice(-1))] : []),
};
