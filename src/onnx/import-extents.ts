/**
 * @file Arithmetic of extents: exporters write `x.view(x.size(0), -1)` as Shape, Gather, Unsqueeze and Concat in front
 * of a Reshape. Extents are known when a file is read, but for the batch, which stays a symbol.
 */

import { axesOf, sliceRanges } from "./axes.js";
import { filledConstant } from "./fold.js";
import type { GraphNode } from "./graph.js";
import { BATCH, type Extents, type Importing, rows, stretchesOf } from "./importing.js";

/** Extents that an input holds. */
function extentsOf(node: GraphNode, importing: Importing, i: number): Extents {
  return importing.extents(node.inputs[i] ?? "") ?? importing.refuse(node, `input ${i}`, "extents", "another value");
}

/** The extents of a value. */
export function importShape(node: GraphNode, importing: Importing): void {
  importing.arity(node, 1, 1);
  const { attributes } = node;
  const all: Extents["list"] = [BATCH, ...importing.input(node).shape];
  const list = all.slice(attributes.int("start", 0), attributes.int("end", all.length));
  importing.setExtents(node.outputs[0], { list, scalar: false });
}

/** Some of a list of extents. */
export function importGather(node: GraphNode, importing: Importing): void {
  importing.arity(node, 2, 2);
  const { list } = extentsOf(node, importing, 0);
  const { data, shape } = importing.constant(node, 1);
  node.attributes.fixed("axis", 0);
  const found = Array.from(data, (at) => list[at < 0 ? at + list.length : at]);
  if (shape.length > 1 || found.includes(undefined as never)) {
    importing.refuse(node, "indices", `integers below ${list.length}`, `[${data.slice(0, 8)}]`);
  }
  importing.setExtents(node.outputs[0], { list: found, scalar: shape.length === 0 });
}

/** One extent as a list of one. The axis is an attribute before opset 13, an input since. */
export function unsqueezeExtents(node: GraphNode, importing: Importing): void {
  const { list, scalar } = extentsOf(node, importing, 0);
  const axes = axesOf(node, importing, 1, 13) ?? [];
  if (!scalar || axes.length !== 1 || (axes[0] !== 0 && axes[0] !== -1)) {
    importing.refuse(node, "axes", "[0] of one extent", `[${axes}] of ${scalar ? "one" : "a list"}`);
  }
  importing.setExtents(node.outputs[0], { list, scalar: false });
}

/** A list of one extent as a number. */
export function squeezeExtents(node: GraphNode, importing: Importing): void {
  const { list, scalar } = extentsOf(node, importing, 0);
  const axes = axesOf(node, importing, 1, 13) ?? [0];
  if (scalar || list.length !== 1 || axes.length !== 1 || (axes[0] !== 0 && axes[0] !== -1)) {
    importing.refuse(node, "axes", "[0] of a list of one", `[${axes}] of ${scalar ? "one" : list.length}`);
  }
  importing.setExtents(node.outputs[0], { list, scalar: true });
}

/** A part of a list of extents. */
export function sliceExtents(node: GraphNode, importing: Importing): void {
  const { list } = extentsOf(node, importing, 0);
  const [{ start, step, count }] = sliceRanges(node, importing, [list.length]);
  const found = Array.from({ length: count }, (_, i) => list[start + i * step]);
  importing.setExtents(node.outputs[0], { list: found, scalar: false });
}

/** True if a node reads computed extents. */
export function readsExtents(node: GraphNode, importing: Importing): boolean {
  return !importing.isConstant(node, 0) && importing.extents(node.inputs[0] ?? "") !== undefined;
}

/** Lists of extents one after the other. @returns false if an input is something else */
export function concatExtents(node: GraphNode, importing: Importing): boolean {
  const parts = node.inputs.map((name) => importing.extents(name));
  if (parts.length === 0 || parts.some((part) => part === undefined || part.scalar)) return false;
  importing.arity(node, 1, parts.length);
  node.attributes.fixed("axis", 0);
  importing.setExtents(node.outputs[0], { list: parts.flatMap((part) => (part as Extents).list), scalar: false });
  return true;
}

/** True if a value of some extents (without the batch) broadcast to `list` stays as it is. */
function staysAs(shape: readonly number[], { list, scalar }: Extents, importing: Importing): boolean {
  const known = importing.graph.inputs[0].extents?.[0] ?? null;
  const own: Extents["list"] = [BATCH, ...shape];
  const extra = own.length - list.length;
  return (
    !scalar &&
    list.every((extent, i) => extent === 1 || extent === own[i + extra] || (i + extra === 0 && extent === known))
  );
}

/** Expand to extents that a value has already. */
export function importExpand(node: GraphNode, importing: Importing): void {
  importing.arity(node, 2, 2);
  const x = importing.input(node);
  const wanted = extentsOf(node, importing, 1);
  if (!staysAs(x.shape, wanted, importing)) importing.refuse(node, "shape", `[N,${x.shape}]`, `[${wanted.list}]`);
  importing.set(node.outputs[0], x);
}

/** Channels of images, or features of rows, several times one after the other. */
export function importTile(node: GraphNode, importing: Importing): void {
  importing.arity(node, 2, 2);
  const x = importing.input(node);
  const { list } = extentsOf(node, importing, 1);
  const [, times = 1] = list;
  const tiled = x.layout === "rows" || x.layout === "image";
  const good = list.length === x.shape.length + 1 && list.every((n, i) => n === 1 || (i === 1 && tiled));
  if (!good || times === BATCH || times < 1 || times > 1000) {
    importing.refuse(node, "repeats", `1${tiled ? ", but for channels" : ""}`, `[${list}]`);
  } else if (times === 1) importing.set(node.outputs[0], x);
  else {
    const inputs = new Array<number>(times).fill(x.slot);
    const info =
      x.layout === "rows"
        ? rows(
            x.shape[0] * times,
            inputs.flatMap(() => stretchesOf(x)),
          )
        : { ...x, shape: [x.shape[0] * times, ...x.shape.slice(1)] };
    importing.combine(node, { kind: "concat", inputs, axis: x.layout === "rows" ? 1 : 3 }, info);
  }
}

/** One number in the shape of a value: along the batch, which stays open, one element goes with all. */
export function importFilled(node: GraphNode, importing: Importing): void {
  importing.arity(node, 1, 1);
  const { list } = extentsOf(node, importing, 0);
  const shape = list.map((extent) => (extent === BATCH ? 1 : extent));
  importing.setConstant(node.outputs[0], { name: "", ...filledConstant(node, shape, importing) });
}
