/** @file Import of nodes that put the elements of one image in another order: shuffles of pixels and of channels. */
import { sizeOf } from "../core/shape.js";
import { Rearranged } from "./computed-layers.js";
import type { GraphNode } from "./graph.js";
import { type Importing, rows, type Value } from "./importing.js";

/** A value as `split`, its axes in the order `perm` (with the batch), as `shape`; all as ONNX has them. */
function rearranged(
  node: GraphNode,
  importing: Importing,
  x: Value,
  { split, perm, shape }: { split: readonly number[]; perm: readonly number[]; shape: readonly number[] },
): Value {
  const info = shape.length === 1 ? rows(shape[0]) : ({ shape, layout: "image", stretches: null } as const);
  const from = importing.restored(node, x);
  return importing.inner(node, importing.keyOfPath(node), from.slot, info, () => new Rearranged(split, perm, shape));
}

/**
 * A Reshape to extents that have no form here, a Transpose that alone reads it, and a Reshape that alone reads that.
 *
 * @param split extents of the first, without the batch
 * @param extentsOf extents that a Reshape gives a value of `split`, without the batch; null if they do not fit
 * @returns false if the nodes behind it are others
 */
export function importShuffle(
  node: GraphNode,
  importing: Importing,
  x: Value,
  split: readonly number[],
  extentsOf: (last: GraphNode, shape: readonly number[]) => readonly number[] | null,
): boolean {
  if (x.layout !== "image" && x.layout !== "rows") return false;
  const transpose = importing.onlyReader(node.outputs[0]);
  const last = transpose?.op === "Transpose" ? importing.onlyReader(transpose.outputs[0]) : undefined;
  const perm = transpose?.attributes.peekInts("perm");
  if (transpose === undefined || last?.op !== "Reshape" || perm?.length !== split.length + 1 || perm[0] !== 0) {
    return false;
  }
  if ([...perm].sort((a, b) => a - b).some((axis, i) => axis !== i)) return false;
  const moved = perm.slice(1).map((axis) => split[axis - 1]);
  const shape = extentsOf(last, moved);
  if (shape === null || sizeOf(shape) !== sizeOf(split) || (shape.length !== 1 && shape.length !== 3)) return false;
  transpose.attributes.ints("perm");
  for (const swallowed of [transpose, last]) {
    swallowed.attributes.finish();
    importing.done.add(swallowed);
  }
  importing.set(last.outputs[0], rearranged(node, importing, x, { split, perm, shape }));
  return true;
}

/** Channels as blocks of pixels, or blocks of pixels as channels. */
export function importDepthToSpace(node: GraphNode, importing: Importing): void {
  importing.arity(node, 1, 1);
  const x = importing.image(node);
  const [c, h, w] = x.shape;
  const block = node.attributes.int("blocksize", 0);
  const toSpace = node.op === "DepthToSpace";
  const mode = toSpace ? node.attributes.text("mode", "DCR") : "";
  const fits = toSpace ? c % (block * block) === 0 : h % block === 0 && w % block === 0;
  if (!(block >= 1) || !fits) importing.refuse(node, "attribute blocksize", `one that fits [N,${x.shape}]`, `${block}`);
  if (toSpace && mode !== "DCR" && mode !== "CRD") importing.refuse(node, "attribute mode", "DCR or CRD", mode);
  const depth = c / (block * block);
  const how = !toSpace
    ? {
        split: [c, h / block, block, w / block, block],
        perm: [0, 3, 5, 1, 2, 4],
        shape: [c * block * block, h / block, w / block],
      }
    : mode === "DCR"
      ? { split: [block, block, depth, h, w], perm: [0, 3, 4, 1, 5, 2], shape: [depth, h * block, w * block] }
      : { split: [depth, block, block, h, w], perm: [0, 1, 4, 2, 5, 3], shape: [depth, h * block, w * block] };
  importing.set(node.outputs[0], rearranged(node, importing, x, how));
}
