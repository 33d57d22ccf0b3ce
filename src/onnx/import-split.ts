/** @file Import of Split: parts of images or rows, one after the other along an axis. */
import { frontAxes } from "./axes.js";
import type { GraphNode } from "./graph.js";
import { imageAxes } from "./import-shapes.js";
import { type Importing, rows, type Value } from "./importing.js";
import { Crop } from "./layers.js";

/** How many elements each output has along the axis. */
function sizesOf(node: GraphNode, importing: Importing, extent: number): readonly number[] {
  const { opset } = importing.graph;
  const { attributes, outputs } = node;
  const given =
    opset < 13
      ? attributes.ints("split")
      : (node.inputs[1] ?? "") === ""
        ? undefined
        : Array.from(importing.constant(node, 1).data);
  const count = opset >= 18 ? attributes.int("num_outputs", outputs.length) : outputs.length;
  const each = Math.ceil(extent / count);
  const sizes = given ?? outputs.map((_, i) => Math.min(each, extent - i * each));
  const good = sizes.every((size) => Number.isSafeInteger(size) && size >= 1);
  if (!good || sizes.length !== outputs.length || sizes.reduce((a, b) => a + b, 0) !== extent) {
    importing.refuse(node, "split", `${outputs.length} parts of ${extent} together`, `[${sizes}]`);
  }
  return sizes;
}

/** One layer for each part that anything reads. */
export function importSplit(node: GraphNode, importing: Importing): void {
  if (node.inputs.length < 1 || node.inputs.length > 2)
    importing.refuse(node, "inputs", "1 to 2", `${node.inputs.length}`);
  let x: Value = importing.input(node);
  const [axis] = frontAxes(node, importing, [node.attributes.int("axis", 0)], x.shape.length + 1);
  if (axis === 0) importing.refuse(node, "attribute axis", `1 to ${x.shape.length}`, "0, the batch");
  const order = x.layout === "rows" ? [0] : imageAxes(node, importing, x);
  x = importing.restored(node, x);
  const from = x;
  let start = 0;
  for (const [i, size] of sizesOf(node, importing, x.shape[axis - 1]).entries()) {
    const ranges = order.map((own): [number, number] =>
      own === axis - 1 ? [start, start + size] : [0, from.shape[own]],
    );
    start += size;
    const name = node.outputs[i];
    if (name === "" || (importing.readers(name).length === 0 && importing.output !== name)) continue;
    const shape = from.shape.map((extent, own) => (own === axis - 1 ? size : extent));
    const info = from.layout === "rows" ? rows(size) : { ...from, shape };
    const wanted = `${importing.keyOfPath(node)}.${i}`;
    importing.set(
      name,
      importing.inner(node, wanted, from.slot, info, () => new Crop(ranges)),
    );
    importing.moved(from);
  }
}
