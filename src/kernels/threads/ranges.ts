/** @file Ranges of units: elements, rows, images, filters. */
import type { RangeSplit } from "../split.js";
import { Arguments } from "./arguments.js";
import { cut, inOrder, type Rule } from "./chunks.js";

const COMBINE = { sum: inOrder, max: (parts: readonly number[]): number => Math.max(...parts) };

/** The rule of a kernel that takes a range. */
export function rangeRule(name: string, names: readonly string[], split: RangeSplit<string>): Rule {
  const of = new Arguments(names);
  const count = of.place(split.count);
  const start = split.start === undefined ? -1 : of.place(split.start);
  const time = of.size(split.time);
  const together = split.together === undefined ? null : of.size(split.together);
  const [few, many] = typeof split.multiple === "object" ? split.multiple : [split.multiple ?? 1, split.multiple ?? 1];
  const move = of.moves(split.moves);
  const run = of.runner(name, split.work);
  return (args, crew) => {
    const units = args[count];
    if (units <= 1) return null;
    const call = of.read(args, crew);
    const begin = start < 0 ? 0 : args[start];
    const group = together === null ? 1 : together(call);
    const first = together === null ? begin : Math.floor(begin / group);
    const groups = together === null ? units : Math.ceil((begin + units) / group) - first;
    const chunks = cut(crew.grain, groups, group * time(call), units > many ? many : few);
    if (chunks === null) return null;
    const calls = chunks.map((chunk) => {
      const from = Math.max(begin, (first + chunk.start) * group);
      const own = [...args];
      own[count] = Math.min(begin + units, (first + chunk.start + chunk.count) * group) - from;
      if (start >= 0) own[start] = from;
      move(own, call, from - begin);
      return own;
    });
    const returned = run(calls, call, crew);
    return split.combine && COMBINE[split.combine](returned);
  };
}
