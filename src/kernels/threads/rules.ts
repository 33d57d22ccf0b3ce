/**
 * @file What a kernel's split says, as something that runs. A kernel without one runs on the calling thread; so does
 * one whose problem is small.
 */
import { ABI, type KernelName } from "../abi.js";
import type { Split, Splits } from "../split.js";
import { workStride } from "./arguments.js";
import { broadcastRule, stridedRule } from "./arrays.js";
import type { Rule } from "./chunks.js";
import { gridRule, partsRule } from "./grids.js";
import { rangeRule } from "./ranges.js";
import { columnsRule, totalRule } from "./sums.js";

/** Every thread its own scratch. */
const workRule =
  (name: string): Rule =>
  (args, crew) =>
    crew.threads * workStride(crew.whole(name)(...args) as number);

/** Kind → what makes its rule. */
const MAKERS: { [S in Split as S["kind"]]: (name: string, names: readonly string[], split: S) => Rule } = {
  range: rangeRule,
  total: totalRule,
  columns: columnsRule,
  grid: gridRule,
  broadcast: broadcastRule,
  strided: stridedRule,
  parts: partsRule,
  work: workRule,
};

function makeRule(name: string, names: readonly string[], split: Split): Rule {
  return (MAKERS[split.kind] as (name: string, names: readonly string[], split: Split) => Rule)(name, names, split);
}

/** The rule of a kernel; null if it has no split. */
export function ruleOf(name: KernelName): Rule | null {
  const { names, split } = ABI[name] as { readonly names: readonly string[]; readonly split: Splits | null };
  if (split === null) return null;
  if ("kind" in split) return makeRule(name, names, split);
  const rules = split.map((form) => makeRule(name, names, form));
  return (args, crew) => {
    for (const rule of rules) {
      const returned = rule(args, crew);
      if (returned !== null) return returned;
    }
    return null;
  };
}
