/**
 * @file Import of reductions: means over rows and columns as pools, all others as reductions of their own.
 */
import { AvgPool2d, Flatten } from "../nn/pool.js";
import { axesOf, frontAxes } from "./axes.js";
import { Reduction } from "./computed-layers.js";
import type { GraphNode } from "./graph.js";
import { importMeanOverTime } from "./import-sequence.js";
import { type Importing, rows, type Value, type ValueInfo } from "./importing.js";

/** Axes of rows and columns in ONNX, by layout. */
const PIXEL_AXES: Readonly<Record<Value["layout"], readonly number[]>> = {
  image: [2, 3],
  last: [1, 2],
  lines: [2],
  plane: [],
  rows: [],
  sequence: [2],
};

/** The reductions by operator, and since which operator set their axes are an input. */
const REDUCTIONS = {
  ReduceMean: { fn: "mean", since: 18 },
  ReduceSum: { fn: "sum", since: 13 },
  ReduceMax: { fn: "max", since: 18 },
  ReduceMin: { fn: "min", since: 18 },
} as const;

/** Mean, sum, largest or least along axes of a value. */
export function importReduction(node: GraphNode, importing: Importing): void {
  const { fn, since } = REDUCTIONS[node.op as keyof typeof REDUCTIONS];
  const inputs = importing.graph.opset >= since;
  importing.arity(node, 1, inputs ? 2 : 1);
  const x = importing.input(node);
  node.attributes.fixed("noop_with_empty_axes", 0);
  const rank = x.shape.length + 1;
  const given = axesOf(node, importing, 1, since);
  const named = given === undefined || given.length === 0 ? Array.from({ length: rank }, (_, axis) => axis) : given;
  const keep = node.attributes.int("keepdims", 1) !== 0;
  // A batch that is one for good may be reduced too.
  const single = importing.graph.inputs[0].extents?.[0] === 1 && keep;
  const axes = frontAxes(node, importing, named, rank).filter((axis) => axis !== 0 || !single);
  const pixels = PIXEL_AXES[x.layout];
  if (fn === "mean" && axes.length > 0 && axes.every((axis) => pixels.includes(axis))) {
    if (x.layout === "sequence") importMeanOverTime(node, importing, x, keep);
    else pooled(node, importing, x, axes, keep);
    return;
  }
  const info = axes.length === 0 || axes.includes(0) ? null : reducedInfo(x, axes, keep);
  if (info === null) {
    const expected = keep ? "axes behind the batch" : "axes that leave rows, images or images of one channel";
    throw importing.refuse(node, "axes", expected, `[${given ?? "all"}] of [N,${x.shape}]`);
  }
  const own = axes.map((axis) => ownAxis(x, axis));
  const keeps = keep || info.layout === "plane";
  importing.layer(node, importing.keyOfPath(node), x.slot, info, () => new Reduction(fn, own, keeps));
}

/** Which axis of the value here an axis of ONNX is. */
function ownAxis({ layout }: Value, axis: number): number {
  if (layout === "sequence") return [0, 2, 1][axis];
  return layout === "image" ? [0, 3, 1, 2][axis] : axis;
}

/** What a reduction gives; null if the value has no form here. */
function reducedInfo(x: Value, axes: readonly number[], keep: boolean): ValueInfo | null {
  if (x.layout === "lines") return null;
  const kept = x.shape.map((extent, i) => (axes.includes(i + 1) ? 1 : extent));
  if (keep) return x.layout === "rows" ? rows(1) : { ...x, shape: kept };
  const left = x.shape.filter((_, i) => !axes.includes(i + 1));
  if (x.layout === "image" && `${axes}` === "1") return { shape: left, layout: "plane", stretches: null };
  return left.length === 1 && x.layout !== "plane" ? rows(left[0]) : null;
}

/** Mean over rows, columns or both: a pool over them. */
function pooled(node: GraphNode, importing: Importing, x: Value, axes: readonly number[], keep: boolean): void {
  const pixels = PIXEL_AXES[x.layout];
  const wanted = importing.keyOfPath(node);
  const [h, w] = x.grid ?? pixels.map((axis) => x.shape[axis - 1]);
  const whole = axes.length === pixels.length;
  const kernel: [number, number] = [whole || axes[0] === pixels[0] ? h : 1, whole || axes[0] === pixels[1] ? w : 1];
  const pool = () => new AvgPool2d(kernel);
  const kept = x.shape.map((extent, i) => (axes.includes(i + 1) ? 1 : extent));
  const channels = x.layout === "last" ? x.shape[2] : x.shape[0];
  const grid: [number, number] = [h / kernel[0], w / kernel[1]];
  if (keep) {
    const info = { ...x, shape: kept, ...(x.layout === "lines" && { grid }) };
    importing.layer(node, wanted, x.slot, info, pool);
    return;
  }
  if (!whole) {
    if (x.layout === "last") importing.refuse(node, "attribute keepdims", "1 for one axis of channels last", "0");
    const shape = [channels, grid[0] * grid[1]];
    importing.layer(node, wanted, x.slot, { shape, layout: "lines", stretches: null, grid }, pool);
    return;
  }
  const mean = { shape: [channels, 1, 1], layout: "image", stretches: null } as const;
  const { slot } = importing.inner(node, wanted, x.slot, mean, pool);
  importing.layer(node, "flatten", slot, rows(channels), () => new Flatten());
}
