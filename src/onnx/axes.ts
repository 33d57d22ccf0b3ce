/** @file Axes and extents of nodes that squeeze, unsqueeze and slice, of constants and computed values alike. */
import { shapeText } from "../core/shape.js";
import type { GraphNode } from "./graph.js";
import type { Importing } from "./importing.js";

/** Axes from an input (`i`) where the operator set has them there, or from the attribute. */
export function axesOf(node: GraphNode, importing: Importing, i: number, since: number): readonly number[] | undefined {
  if (importing.graph.opset < since) return node.attributes.ints("axes");
  return (node.inputs[i] ?? "") === "" ? undefined : Array.from(importing.constant(node, i).data);
}

/** Axes counted from the front, each in range and once. */
export function frontAxes(node: GraphNode, importing: Importing, axes: readonly number[], rank: number): number[] {
  const found = axes.map((axis) => (axis < 0 ? axis + rank : axis));
  const good = found.every(
    (axis, i) => Number.isSafeInteger(axis) && axis >= 0 && axis < rank && found.indexOf(axis) === i,
  );
  return good ? found : importing.refuse(node, "axes", `integers from ${-rank} to ${rank - 1}, each once`, `[${axes}]`);
}

/** A shape without some of its axes, which must be 1. Without axes: without all that are 1. */
export function squeezedShape(
  node: GraphNode,
  importing: Importing,
  shape: readonly number[],
  axes: readonly number[] | undefined,
): number[] {
  const gone = axes && frontAxes(node, importing, axes, shape.length);
  if (gone?.some((axis) => shape[axis] !== 1)) {
    importing.refuse(node, "axes", "those of extent 1", `[${axes}] of ${shapeText(shape)}`);
  }
  return shape.filter((extent, axis) => (gone === undefined ? extent !== 1 : !gone.includes(axis)));
}

/** A shape with axes of extent 1 put in. */
export function unsqueezedShape(
  node: GraphNode,
  importing: Importing,
  shape: readonly number[],
  axes: readonly number[],
): number[] {
  const added = frontAxes(node, importing, axes, shape.length + axes.length);
  const rest = [...shape];
  return Array.from({ length: shape.length + axes.length }, (_, axis) =>
    added.includes(axis) ? 1 : (rest.shift() as number),
  );
}

/** Where a slice begins, how far it steps, and how many it takes, for each axis. */
export interface Range {
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** The ranges of a Slice for values of some extents; those of open extents (NaN) must be whole. */
export function sliceRanges(node: GraphNode, importing: Importing, shape: readonly number[]): Range[] {
  const inputs = importing.graph.opset >= 10;
  const { attributes } = node;
  const list = (i: number, name: string): readonly number[] | undefined => {
    if (!inputs) return attributes.ints(name);
    if ((node.inputs[i] ?? "") === "") return undefined;
    return Array.from(importing.constant(node, i).data);
  };
  const starts = list(1, "starts") ?? [];
  const ends = list(2, "ends") ?? [];
  const axes = list(3, "axes") ?? starts.map((_, axis) => axis);
  const steps = (inputs ? list(4, "steps") : undefined) ?? starts.map(() => 1);
  if ([ends, axes, steps].some(({ length }) => length !== starts.length) || steps.includes(0)) {
    importing.refuse(
      node,
      "slice",
      "as many starts, ends, axes and steps (not 0)",
      `[${starts}], [${ends}], [${axes}], [${steps}]`,
    );
  }
  const ranges = shape.map((count): Range => ({ start: 0, step: 1, count }));
  for (const [i, axis] of frontAxes(node, importing, axes, shape.length).entries()) {
    const extent = shape[axis];
    const step = steps[i];
    if (Number.isNaN(extent)) {
      if (starts[i] === 0 && step === 1 && ends[i] >= 2 ** 31 - 1) continue;
      importing.refuse(node, "slice", "no part of the batch", `${starts[i]} to ${ends[i]}`);
    }
    const from = (at: number): number => (at < 0 ? at + extent : at);
    const clamp = (at: number, lo: number, hi: number): number => Math.min(Math.max(at, lo), hi);
    const start = step > 0 ? clamp(from(starts[i]), 0, extent) : clamp(from(starts[i]), -1, extent - 1);
    const end = step > 0 ? clamp(from(ends[i]), 0, extent) : clamp(from(ends[i]), -1, extent - 1);
    ranges[axis] = { start, step, count: Math.max(0, Math.ceil((end - start) / step)) };
  }
  return ranges;
}
