/** @file Where the values of a C file lie: in the caller's input and output, or in one arena, planned by lifetimes. */
import type { PackedModel } from "../../format/model.js";
import { INPUT_ID } from "../../format/plan.js";
import { type ValueType, valueBytes } from "../../format/value.js";
import { type Lifetime, layOut } from "../../infer/arena.js";
import { type CStep, SAME } from "./lowering.js";

/** Where a value or workspace lies: the caller's arrays, or bytes from the arena's start. */
export type CPlace = "input" | "output" | number;

/** Places of everything. */
export interface CMemory {
  /** Of each job's value, in order. */
  readonly values: readonly CPlace[];
  /** Of each job's workspace. */
  readonly patches: readonly number[];
  readonly bytes: number;
}

/** Floats and codes lie at multiples of this. */
const ALIGNMENT = 4;

/** A function that runs, or a value that is another's. */
export interface CJob {
  /** Its value's id. */
  readonly id: string;
  /** Ids of the values that it reads. */
  readonly reads: readonly string[];
  readonly step: CStep | typeof SAME;
}

/** The value whose memory each value has: its own, or that of what it is made in place of. */
function rootsOf({ plan, values }: PackedModel, jobs: readonly CJob[]): Map<string, string> {
  const roots = new Map<string, string>([[INPUT_ID, INPUT_ID]]);
  const rootOf = (id: string): string => roots.get(id) as string;
  for (const { id, reads, step } of jobs) roots.set(id, step === SAME ? rootOf(reads[0]) : id);
  /** Index of the last job that reads memory which several values share. */
  const lastUse = (root: string): number =>
    rootOf(plan.output) === root
      ? jobs.length
      : jobs.reduce((last, { reads }, i) => (reads.some((id) => rootOf(id) === root) ? i : last), -1);
  jobs.forEach(({ id, reads, step }, i) => {
    if (step === SAME || step.inPlace !== true) return;
    const reused = reads.find((read) => {
      const root = rootOf(read);
      return root !== INPUT_ID && values.get(read)?.dtype === values.get(id)?.dtype && lastUse(root) === i;
    });
    if (reused === undefined) return;
    const to = rootOf(reused);
    for (const [value, root] of roots) if (root === id) roots.set(value, to);
  });
  return roots;
}

/** Plans the memory of one image. */
export function placesOf(model: PackedModel, jobs: readonly CJob[]): CMemory {
  const { plan, values } = model;
  const roots = rootsOf(model, jobs);
  const rootOf = (id: string): string => roots.get(id) as string;
  const output = rootOf(plan.output);
  const last = new Map<string, number>();
  jobs.forEach(({ id, reads }, i) => {
    for (const value of [...reads, id]) last.set(rootOf(value), i);
  });
  const lifetimes: Lifetime[] = [];
  const places = new Map<string, number>();
  const patches: number[] = [];
  jobs.forEach(({ id, step }, i) => {
    if (rootOf(id) === id && output !== id) {
      places.set(id, lifetimes.length);
      lifetimes.push({ bytes: valueBytes(values.get(id) as ValueType, 1), from: i, to: last.get(id) as number });
    }
    patches.push(lifetimes.length);
    const patch = step === SAME ? undefined : step.patch;
    if (patch !== undefined) lifetimes.push({ bytes: patch.count * (patch.type === "float" ? 4 : 1), from: i, to: i });
  });
  const { offsets, bytes } = layOut(lifetimes, ALIGNMENT);
  const place = (root: string): CPlace =>
    root === INPUT_ID ? "input" : root === output ? "output" : offsets[places.get(root) as number];
  return {
    values: jobs.map(({ id }) => place(rootOf(id))),
    patches: patches.map((at) => offsets[at] ?? 0),
    bytes,
  };
}
