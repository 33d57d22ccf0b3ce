/**
 * @file Why a layer that could be quantized by its class has to stay float: behaviour of its own, or weights that float
 * code uses too.
 */
import { ReLU } from "../nn/activation.js";
import { Conv2d } from "../nn/conv.js";
import { Conv1d } from "../nn/conv1d.js";
import { Linear } from "../nn/linear.js";
import { Module } from "../nn/module.js";
import { Buffer, Parameter } from "../nn/parameter.js";
import type { Decision, Site } from "./policy.js";

/** Words for what a layer does that its class does not; null if there is nothing. */
function ownBehaviour(module: Module): string | null {
  if (module instanceof ReLU) return module.forward === module.replaceable ? null : "it has a forward of its own";
  const base = [Conv2d, Conv1d, Linear].find((type) => module instanceof type);
  if (base === undefined) return null;
  if (module.forward !== base.prototype.forward) return "it has a forward of its own";
  for (let at = Object.getPrototypeOf(module); at !== base.prototype; at = Object.getPrototypeOf(at)) {
    const own = Object.getOwnPropertyNames(at).filter((name) => name !== "constructor" && name !== "describe");
    if (own.length > 0) return `it is of a class with members of its own (${own.join(", ")})`;
  }
  for (const [name, value] of Object.entries(module)) {
    if (name === "weight" || name === "bias") continue;
    const state = value instanceof Parameter || value instanceof Buffer || value instanceof Module;
    if (state || typeof value === "function") return `it has ${name} besides weight and bias`;
  }
  return null;
}

type Weighted = Conv2d | Conv1d | Linear;

const isWeighted = (module: Module): module is Weighted =>
  [Conv2d, Conv1d, Linear].some((type) => module instanceof type);

/**
 * The layers that stay float though the policy asks for codes, with the reason of each. Shared weights that are used by
 * float code too stay float everywhere.
 */
export function obstacles(net: Module, decisions: ReadonlyMap<Site, Decision>): Map<Site, string> {
  const kept = new Map<Site, string>();
  for (const [site, decision] of decisions) {
    const reason = decision === null ? null : ownBehaviour(site.module);
    if (reason !== null) kept.set(site, reason);
  }
  const places = net.parameterPlaces();
  const weighted = [...decisions.keys()].filter(({ module }) => isWeighted(module));
  const quantized = (site: Site): boolean => decisions.get(site) !== null && !kept.has(site);
  for (const site of weighted) {
    if (!quantized(site)) continue;
    const { weight } = site.module as Weighted;
    const sharing = weighted.filter(({ module }) => (module as Weighted).weight === weight);
    const float = sharing.find((other) => !quantized(other));
    const known = new Set(sharing.flatMap((other) => other.places.map(({ path }) => `${path}.weight`)));
    const place = places.find(([key, parameter]) => parameter.data.storage === weight.data.storage && !known.has(key));
    const user = float?.path ?? place?.[0];
    if (user === undefined) continue;
    for (const other of sharing)
      if (quantized(other)) kept.set(other, `its weight is used by ${user} too, which stays float`);
  }
  return kept;
}
