/** @file Import of Softmax and LogSoftmax, and what is left out of them. */
import { Softmax } from "../nn/activation.js";
import type { GraphNode } from "./graph.js";
import type { Importing } from "./importing.js";
import { LogSoftmax } from "./layers.js";

/** What may stand between a softmax and the end of a graph. */
const MOVES: readonly string[] = ["Flatten", "Reshape", "Squeeze", "Identity", "Cast"];

/** True if a value is the graph's result but for moves. */
function endsGraph(name: string, importing: Importing): boolean {
  for (let at = name; ; ) {
    if (importing.graph.outputs.includes(at)) return importing.readers(at).length === 0 && at === importing.output;
    const next = importing.onlyReader(at);
    if (next === undefined || !MOVES.includes(next.op)) return false;
    [at] = next.outputs;
  }
}

/** Softmax or its logarithm along an axis; before opset 13 over that axis and all behind it. */
export function importSoftmax(node: GraphNode, importing: Importing): void {
  importing.arity(node, 1, 1);
  const x = importing.input(node);
  const old = importing.graph.opset < 13;
  const rank = x.shape.length + 1;
  const given = node.attributes.int("axis", old ? 1 : -1);
  let axis = given < 0 ? given + rank : given;
  if (!(axis >= 1 && axis < rank)) importing.refuse(node, "attribute axis", `1 to ${rank - 1}`, `${given}`);
  if (old) {
    // All axes from this one on together are one axis if the others have one element.
    const wide = x.shape.flatMap((extent, i) => (i + 1 >= axis && extent > 1 ? [i + 1] : []));
    if (wide.length > 1) {
      importing.refuse(node, "attribute axis before opset 13", `${rank - 1}, the last`, `${given}`);
    }
    [axis = axis] = wide;
  }
  if (importing.logits && endsGraph(node.outputs[0], importing)) {
    importing.notes.push(`${node.where}: left out, since training and packed models end in logits`);
    importing.set(node.outputs[0], x);
    return;
  }
  if (x.layout === "lines" && axis === 2) importing.refuse(node, "attribute axis", "1, channels", `${given}`);
  if (x.layout === "sequence" && axis === 2) importing.refuse(node, "attribute axis", "1, channels", `${given}`);
  const channels = x.layout === "sequence" ? 2 : axis;
  const own = x.layout === "image" || x.layout === "lines" ? [0, 3, 1, 2][axis] : channels;
  const make = () => (node.op === "LogSoftmax" ? new LogSoftmax(own) : new Softmax(own));
  importing.layer(node, importing.keyOfPath(node), x.slot, { ...x }, make);
}
