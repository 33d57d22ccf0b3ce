/** @file Arrays that broadcast, and strided ones. */
import type { BroadcastSplit, StridedSplit } from "../split.js";
import { Arguments } from "./arguments.js";
import { cut, type Rule } from "./chunks.js";

/** Nanoseconds of an element of a strided copy. */
const COPY = 0.6;

/** The rule of a kernel of arrays of which one may repeat. */
export function broadcastRule(name: string, names: readonly string[], split: BroadcastSplit<string>): Rule {
  const of = new Arguments(names);
  const [count, output] = [of.place(split.count), of.place(split.output)];
  const inputs = split.inputs.map(([ptr, length]) => [of.place(ptr), of.place(length)] as const);
  return (args, crew) => {
    const units = args[count];
    if (units === 0 || units * split.time < crew.grain.least) return null;
    let period = 1;
    for (const [, length] of inputs) if (args[length] !== units) period = Math.max(period, args[length]);
    if (inputs.some(([, length]) => args[length] !== units && period % args[length] !== 0)) return null;
    const chunks = cut(crew.grain, units / period, split.time * period, Math.ceil(64 / period));
    if (chunks === null) return null;
    const calls = chunks.map((chunk) => {
      const [from, length] = [chunk.start * period, chunk.count * period];
      const own = [...args];
      own[count] = length;
      own[output] += split.bytes * from;
      for (const [ptr, lengthAt] of inputs) {
        if (args[lengthAt] !== units) continue;
        own[ptr] += 4 * from;
        own[lengthAt] = length;
      }
      return own;
    });
    crew.run(name, calls);
    return undefined;
  };
}

/** The rule of a strided copy. */
export function stridedRule(name: string, names: readonly string[], split: StridedSplit<string>): Rule {
  const of = new Arguments(names);
  const [rankAt, dims] = [of.place(split.rank), of.place(split.dims)];
  const [dense, strided] = [of.place(split.dense), of.place(split.strided)];
  return (args, crew) => {
    const rank = args[rankAt];
    if (rank === 0) return null;
    const ints = crew.ints(args[dims], 2 * rank);
    const axis = ints.subarray(0, rank).findIndex((extent) => extent !== 1);
    if (axis < 0) return null;
    let inner = 1;
    for (let i = axis + 1; i < rank; i++) inner *= ints[i];
    const chunks = cut(crew.grain, ints[axis], COPY * inner);
    if (chunks === null) return null;
    const size = 8 * rank;
    return crew.scratch(size * chunks.length, (ptr) => {
      const calls = chunks.map(({ start, count }, i) => {
        const block = crew.i32(ptr + size * i, 2 * rank);
        block.set(ints);
        block[axis] = count;
        const own = [...args];
        own[dims] = ptr + size * i;
        own[strided] += split.bytes * start * ints[rank + axis];
        own[dense] += split.bytes * start * inner;
        return own;
      });
      crew.run(name, calls);
      return undefined;
    });
  };
}
