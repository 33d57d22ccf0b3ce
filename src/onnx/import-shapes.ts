/**
 * @file Import of operators that only move or name elements: Flatten, Reshape, Transpose, Pad, Identity, Constant,
 * Cast.
 */
import { sizeOf } from "../core/shape.js";
import { Flatten } from "../nn/pool.js";
import type { GraphNode } from "./graph.js";
import { BATCH, type Importing, rows, type Value } from "./importing.js";
import { ZeroPad } from "./layers.js";
import { ELEMENT, elementName } from "./schema.js";
import { type Constant, readTensor } from "./tensor.js";

/** The node's result is a value that is there already. */
function alias(node: GraphNode, importing: Importing, value: Value): void {
  importing.set(node.outputs[0], value);
}

/** An image as rows: here pixels come before channels. */
function flatten(node: GraphNode, importing: Importing, x: Value): void {
  if (x.layout === "rows") {
    alias(node, importing, x);
    return;
  }
  const [channels, h, w] = x.shape;
  const info = rows(sizeOf(x.shape), x.layout === "last" ? null : [{ channels, pixels: h * w }]);
  importing.layer(node, importing.keyOfPath(node), x.slot, info, () => new Flatten());
  importing.moved(x);
}

export function importFlatten(node: GraphNode, importing: Importing): void {
  importing.arity(node, 1, 1);
  const x = importing.input(node);
  const given = node.attributes.int("axis", 1);
  if (given !== 1 && given !== -x.shape.length) importing.refuse(node, "attribute axis", "1", `${given}`);
  flatten(node, importing, x);
}

/** Reshapes that flatten, or that change nothing. */
export function importReshape(node: GraphNode, importing: Importing): void {
  importing.arity(node, 2, 2);
  const x = importing.input(node);
  const wanted = importing.extents(node.inputs[1]) ?? importing.refuse(node, "input 1", "extents", "a computed value");
  const [batch, ...later] = wanted.list;
  const rest = later.map((extent) => (extent === BATCH ? Number.NaN : extent));
  const zeros = node.attributes.int("allowzero", 0) === 0;
  const known = importing.graph.inputs[0].extents?.[0] ?? null;
  const refuse = (): never =>
    importing.refuse(node, "reshape", `[N,${sizeOf(x.shape)}], a flattening, or [N,${x.shape}]`, `[${wanted.list}]`);
  if (wanted.scalar || wanted.list.length < 2) refuse();
  // The first extent must stand for the batch: copied, left over, or its number.
  const left = rest.includes(-1);
  if (!(batch === BATCH || (batch === 0 && zeros) || (batch === -1 && !left) || (known !== null && batch === known)))
    refuse();
  const extents = rest.map((extent, i) => (extent === 0 && zeros ? (x.shape[i] ?? 0) : extent));
  const product = extents.reduce((all, extent) => all * (extent === -1 ? 1 : extent), 1);
  const whole = extents.map((extent) => (extent === -1 ? sizeOf(x.shape) / product : extent));
  if (whole.length === 1 && whole[0] === sizeOf(x.shape)) flatten(node, importing, x);
  else if (`${whole}` === `${x.shape}`) alias(node, importing, x);
  else refuse();
}

/** Between channels first and channels last: images lie here as channels last in both. */
export function importTranspose(node: GraphNode, importing: Importing): void {
  importing.arity(node, 1, 1);
  const x = importing.input(node);
  const perm = `${node.attributes.ints("perm") ?? "reversed"}`;
  const [a, b, c] = x.shape;
  if (x.layout === "last" && perm === "0,3,1,2") {
    alias(node, importing, { ...x, layout: "image", shape: [c, a, b] });
  } else if (x.layout === "image" && perm === "0,2,3,1") {
    alias(node, importing, { ...x, layout: "last", shape: [b, c, a] });
  } else {
    const expected = x.layout === "rows" ? "images" : x.layout === "last" ? "[0,3,1,2]" : "[0,2,3,1]";
    importing.refuse(node, "attribute perm", expected, `[${perm}]`);
  }
}

/** Zeros around images. */
export function importPad(node: GraphNode, importing: Importing): void {
  const { opset } = importing.graph;
  const inputs = opset >= 11;
  importing.arity(node, inputs ? 2 : 1, inputs ? (opset >= 18 ? 4 : 3) : 1);
  const x = importing.image(node);
  const { attributes } = node;
  const mode = attributes.text("mode", "constant");
  if (mode !== "constant") importing.refuse(node, "attribute mode", "constant", mode);
  const given = inputs ? Array.from(importing.constant(node, 1).data) : (attributes.ints("pads") ?? []);
  const value = inputs ? (importing.optionalReals(node, 2)?.data[0] ?? 0) : attributes.float("value", 0);
  if (value !== 0) importing.refuse(node, "value of the padding", "0", `${value}`);
  if ((node.inputs[3] ?? "") !== "") importing.refuse(node, "axes", "all of them", "some");
  const whole = given.every((n) => Number.isSafeInteger(n) && n >= 0 && n <= 2 ** 24);
  if (given.length !== 8 || !whole || given[0] !== 0 || given[4] !== 0) {
    importing.refuse(node, "pads", "8 integers of at least 0, none around the batch", `[${given}]`);
  }
  const shape = x.shape.map((extent, i) => given[i + 1] + extent + given[i + 5]);
  const pads = [2, 3, 1].map((axis) => [given[axis], given[axis + 4]] as const);
  const info = { shape, layout: "image", stretches: null } as const;
  importing.layer(node, importing.keyOfPath(node), x.slot, info, () => new ZeroPad(pads));
  importing.moved(x);
}

/** Extents under another name. @returns false if the input is something else */
function passExtents(node: GraphNode, importing: Importing): boolean {
  const extents = importing.isConstant(node, 0) ? undefined : importing.extents(node.inputs[0]);
  if (extents !== undefined) importing.setExtents(node.outputs[0], extents);
  return extents !== undefined;
}

export function importIdentity(node: GraphNode, importing: Importing): void {
  importing.arity(node, 1, 1);
  if (passExtents(node, importing)) return;
  if (importing.isConstant(node, 0)) importing.setConstant(node.outputs[0], importing.constant(node, 0));
  else alias(node, importing, importing.input(node));
}

/** f32 of values that are f32 already; bytes of the input become real numbers by themselves. */
export function importCast(node: GraphNode, importing: Importing): void {
  importing.arity(node, 1, 1);
  const to = node.attributes.int("to", 0);
  node.attributes.int("saturate", 1);
  if (to === ELEMENT.INT64 && passExtents(node, importing)) return;
  if (to !== ELEMENT.FLOAT) importing.refuse(node, "attribute to", "FLOAT", elementName(to));
  alias(node, importing, importing.input(node));
}

export function importConstant(node: GraphNode, importing: Importing): void {
  importing.arity(node, 0, 0);
  importing.setConstant(node.outputs[0], constantOf(node, importing));
}

function constantOf(node: GraphNode, importing: Importing): Constant {
  const { attributes } = node;
  const [name] = node.outputs;
  const tensor = attributes.tensor("value");
  if (tensor !== undefined) return { ...readTensor(tensor, node.where), name };
  for (const field of ["value_float", "value_floats", "value_int", "value_ints"]) {
    if (!attributes.has(field)) continue;
    const type = field.includes("float") ? "float" : "integer";
    const one =
      field === "value_float"
        ? [attributes.float(field, 0)]
        : field === "value_int"
          ? [attributes.int(field, 0)]
          : null;
    const list = one ?? attributes.floats(field) ?? attributes.ints(field) ?? [];
    const data = type === "float" ? Float32Array.from(list) : Float64Array.from(list);
    return { name, shape: one === null ? [list.length] : [], type, data };
  }
  return importing.refuse(node, "value", "value, value_float(s) or value_int(s)", "none of them");
}
