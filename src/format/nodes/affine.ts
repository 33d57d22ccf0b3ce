/** @file `affine`: x·scale[c] + shift[c] over the last axis, two roundings (batch norm). */
import { floats } from "../tensors.js";
import { type Kind, sameReal } from "./kind.js";

/** x·scale[c] + shift[c] over the last axis, two roundings. */
export interface PlanAffine {
  readonly op: "affine";
  readonly id: string;
  readonly input: string;
}

export const affine: Kind<PlanAffine> = {
  fields: {},
  value: sameReal,
  tensors: (_, { shape }) => [floats("scale", shape.slice(-1)), floats("shift", shape.slice(-1))],
};
