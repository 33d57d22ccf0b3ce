/** @file Parameters in groups with learning rates of their own: activation steps, and what batch norms learn. */
import { BatchNorm } from "../nn/batch-norm.js";
import type { Module } from "../nn/module.js";
import type { Parameter } from "../nn/parameter.js";
import type { ParameterGroup, ParametersOrGroups } from "../optim/index.js";
import { Staircase } from "../quant/index.js";
import type { RunConfig } from "./config.js";
import { ALPHA_RATE } from "./training-fields.js";

/**
 * The parameters of a network: a list, or groups where activation steps or batch norms have rates of their own.
 *
 * Steps have a hundredth of their group's rate by themselves (`constraint.lrScale`), so that `alphaLr` is a multiple
 * of `lr` here.
 */
export function parametersOf<Options extends { lr: number }>(
  net: Module,
  { lr, normLr = 1, quant }: Pick<RunConfig, "lr" | "normLr" | "quant">,
): ParametersOrGroups<Options> {
  const { alphaLr = ALPHA_RATE } = quant ?? {};
  const all = net.parameters();
  if (normLr === 1 && alphaLr === ALPHA_RATE) return all;
  const modules = net.modules();
  const steps = new Set<Parameter>(modules.flatMap((module) => (module instanceof Staircase ? [module.alpha] : [])));
  const norms = new Set<Parameter>(
    modules.flatMap((module) => (module instanceof BatchNorm ? [module.weight, module.bias] : [])),
  );
  const group = (parameters: readonly Parameter[], factor: number): ParameterGroup<Options>[] =>
    parameters.length === 0 ? [] : [{ parameters, lr: lr * factor } as unknown as ParameterGroup<Options>];
  // The first group's rate is the one that metrics tell.
  return [
    ...group(
      all.filter((parameter) => !steps.has(parameter) && !norms.has(parameter)),
      1,
    ),
    ...group(
      all.filter((parameter) => steps.has(parameter)),
      alphaLr / ALPHA_RATE,
    ),
    ...group(
      all.filter((parameter) => norms.has(parameter)),
      normLr,
    ),
  ];
}
