/**
 * @file Import of operators that only move or name elements: Flatten, Reshape, Squeeze, Unsqueeze, Transpose, Pad,
 * Slice, Identity, Constant, Cast.
 */
import { sizeOf } from "../core/shape.js";
import { Flatten, MaxPool2d } from "../nn/pool.js";
import { axesOf, frontAxes, sliceRanges, squeezedShape, unsqueezedShape } from "./axes.js";
import type { GraphNode } from "./graph.js";
import { readsExtents, sliceExtents, squeezeExtents, unsqueezeExtents } from "./import-extents.js";
import { importShuffle } from "./import-rearrange.js";
import { BATCH, type Importing, rows, type Value, type ValueInfo } from "./importing.js";
import { Crop, RowsToImages, ZeroPad } from "./layers.js";
import { ELEMENT, elementName } from "./schema.js";
import { type Constant, isReal, readTensor } from "./tensor.js";

/** The node's result is a value that is there already. */
function alias(node: GraphNode, importing: Importing, value: Value): void {
  importing.set(node.outputs[0], value);
}

/** Rows and columns of a value, as it lies here. */
function gridOf({ layout, shape, grid }: Value): readonly [number, number] {
  if (grid !== undefined) return grid;
  return layout === "image" ? [shape[1], shape[2]] : [shape[0], shape[1]];
}

/** An image as rows: here pixels come before channels. */
function flatten(node: GraphNode, importing: Importing, x: Value): void {
  if (x.layout === "rows") {
    alias(node, importing, x);
    return;
  }
  const first = x.layout === "image" || x.layout === "lines" || x.layout === "sequence";
  const stretches = first ? [{ channels: x.shape[0], pixels: sizeOf(x.shape.slice(1)) }] : null;
  importing.layer(node, importing.keyOfPath(node), x.slot, rows(sizeOf(x.shape), stretches), () => new Flatten());
  importing.moved(x);
}

/** Rows as images; an input of rows that becomes images at once is an input of images. */
function unflatten(node: GraphNode, importing: Importing, x: Value, shape: readonly number[]): void {
  const [channels, h, w = 1] = shape;
  const info: ValueInfo =
    shape.length === 3
      ? { shape, layout: "image", stretches: null }
      : { shape, layout: "lines", stretches: null, grid: [h, w] };
  if (importing.takeAsImages(x, [h, w, channels])) {
    alias(node, importing, { ...info, slot: x.slot });
    return;
  }
  const [stretch] = x.stretches ?? [];
  const ours = x.stretches?.length === 1 && stretch.channels === channels;
  const from = ours ? x : importing.restored(node, x);
  const outermost = !ours && channels > 1 && h * w > 1;
  importing.layer(
    node,
    importing.keyOfPath(node),
    from.slot,
    info,
    () => new RowsToImages([h, w, channels], outermost),
  );
}

/** A value with other extents in ONNX, as far as they say the same of images. @returns false if they do not */
function view(node: GraphNode, importing: Importing, x: Value, shape: readonly number[]): boolean {
  const put = (info: Omit<ValueInfo, "shape" | "stretches">): boolean => {
    alias(node, importing, { slot: x.slot, shape, stretches: null, ...info });
    return true;
  };
  if (sizeOf(shape) !== sizeOf(x.shape)) return false;
  if (`${shape}` === `${x.shape}`) alias(node, importing, x);
  else if (shape.length === 1) flatten(node, importing, x);
  else if (x.layout === "sequence") return false;
  else if (x.layout === "rows") {
    if (shape.length > 3) return false;
    unflatten(node, importing, x, shape);
  } else {
    const grid = gridOf(x);
    const channels = x.layout === "plane" ? 1 : x.layout === "last" ? x.shape[2] : x.shape[0];
    if (`${shape}` === `${[channels, ...grid]}`) return put({ layout: "image" });
    if (channels === 1 && `${shape}` === `${[...grid, 1]}`) return put({ layout: "last" });
    if (channels === 1 && `${shape}` === `${grid}`) return put({ layout: "plane" });
    // A value with channels last has them innermost in ONNX too: other extents would part them.
    if (x.layout === "last" || shape.length !== 2 || shape[0] !== channels) return false;
    return put({ layout: "lines", grid });
  }
  return true;
}

export function importFlatten(node: GraphNode, importing: Importing): void {
  importing.arity(node, 1, 1);
  const x = importing.input(node);
  const given = node.attributes.int("axis", 1);
  if (given !== 1 && given !== -x.shape.length) importing.refuse(node, "attribute axis", "1", `${given}`);
  flatten(node, importing, x);
}

/** Extents that a Reshape asks of a value, without the batch; null if they are not of one image. */
function reshapedExtents(node: GraphNode, importing: Importing, shape: readonly number[]): number[] | null {
  const wanted = importing.extents(node.inputs[1]);
  if (wanted === undefined || wanted.scalar || wanted.list.length < 2) return null;
  const [batch, ...later] = wanted.list;
  const rest = later.map((extent) => (extent === BATCH ? Number.NaN : extent));
  const zeros = node.attributes.int("allowzero", 0) === 0;
  const known = importing.graph.inputs[0].extents?.[0] ?? null;
  // The first extent must stand for the batch: copied, left over, or its number.
  const left = rest.includes(-1);
  if (!(batch === BATCH || (batch === 0 && zeros) || (batch === -1 && !left) || (known !== null && batch === known)))
    return null;
  const extents = rest.map((extent, i) => (extent === 0 && zeros ? (shape[i] ?? 0) : extent));
  const product = extents.reduce((all, extent) => all * (extent === -1 ? 1 : extent), 1);
  const whole = extents.map((extent) => (extent === -1 ? sizeOf(shape) / product : extent));
  return whole.every((extent) => Number.isSafeInteger(extent) && extent >= 1) ? whole : null;
}

/** Reshapes that flatten, that make images of rows, that are part of a shuffle, or that change nothing. */
export function importReshape(node: GraphNode, importing: Importing): void {
  importing.arity(node, 2, 2);
  const x = importing.input(node);
  const wanted = importing.extents(node.inputs[1]) ?? importing.refuse(node, "input 1", "extents", "a computed value");
  const extents = reshapedExtents(node, importing, x.shape);
  if (extents !== null && view(node, importing, x, extents)) return;
  const last = (reshape: GraphNode, shape: readonly number[]) => reshapedExtents(reshape, importing, shape);
  if (extents !== null && sizeOf(extents) === sizeOf(x.shape) && importShuffle(node, importing, x, extents, last))
    return;
  importing.refuse(node, "reshape", `[N,${sizeOf(x.shape)}], a flattening, or [N,${x.shape}]`, `[${wanted.list}]`);
}

/** Axes of one pixel or channel taken away, or extents. */
export function importSqueeze(node: GraphNode, importing: Importing): void {
  importing.arity(node, 1, importing.graph.opset >= 13 ? 2 : 1);
  if (readsExtents(node, importing)) {
    squeezeExtents(node, importing);
    return;
  }
  const x = importing.input(node);
  const axes = axesOf(node, importing, 1, 13);
  // Without axes a batch of one would go too, and a batch of two would not.
  const [batch] = importing.graph.inputs[0].extents ?? [];
  if (axes === undefined && batch === 1) importing.refuse(node, "axes", "axes, or a batch that is open", "none");
  const [first, ...shape] = squeezedShape(node, importing, [Number.NaN, ...x.shape], axes);
  if (!Number.isNaN(first)) importing.refuse(node, "axes", "not the batch", `[${axes}]`);
  if (shape.length > 0 && view(node, importing, x, shape)) return;
  importing.refuse(
    node,
    "axes",
    "those that leave rows, or images of one channel",
    `[${axes ?? "all of 1"}] of [N,${x.shape}]`,
  );
}

/** Axes of extent 1 put in, or extents. */
export function importUnsqueeze(node: GraphNode, importing: Importing): void {
  const inputs = importing.graph.opset >= 13;
  importing.arity(node, inputs ? 2 : 1, inputs ? 2 : 1);
  if (readsExtents(node, importing)) {
    unsqueezeExtents(node, importing);
    return;
  }
  const x = importing.input(node);
  const axes = axesOf(node, importing, 1, 13) ?? [];
  const [first, ...shape] = unsqueezedShape(node, importing, [Number.NaN, ...x.shape], axes);
  if (Number.isNaN(first) && view(node, importing, x, shape)) return;
  importing.refuse(node, "axes", "those that make images", `[${axes}] of [N,${x.shape}]`);
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
    const expected =
      x.layout === "rows" || x.layout === "sequence" ? "images" : x.layout === "last" ? "[0,3,1,2]" : "[0,2,3,1]";
    importing.refuse(node, "attribute perm", expected, `[${perm}]`);
  }
}

/** Where axes of ONNX (behind the batch) lie here: rows, columns, channels. */
export function imageAxes(node: GraphNode, importing: Importing, x: Value): readonly number[] {
  if (x.layout === "sequence") return [1, 0];
  if (x.layout !== "last") importing.image(node);
  return x.layout === "last" ? [0, 1, 2] : [1, 2, 0];
}

/** The number that opsets from 11 on pad with. */
function paddingValue(node: GraphNode, importing: Importing): number {
  if ((node.inputs[2] ?? "") === "") return 0;
  const { type, data } = importing.constant(node, 2);
  if (type !== "float" || data.length !== 1) importing.refuse(node, "input 2", "one number, FLOAT or DOUBLE", type);
  return data[0];
}

/** Exporters write the least f32 number as −∞ too. */
const LEAST = -3.4e38;

/**
 * Zeros around images: pads of all axes, or of those that are named. The least number in front of a max pool is that
 * pool's padding.
 */
export function importPad(node: GraphNode, importing: Importing): void {
  const { opset } = importing.graph;
  const inputs = opset >= 11;
  importing.arity(node, inputs ? 2 : 1, inputs ? (opset >= 18 ? 4 : 3) : 1);
  const x = importing.input(node);
  const order = imageAxes(node, importing, x);
  const { attributes } = node;
  const mode = attributes.text("mode", "constant");
  if (mode !== "constant") importing.refuse(node, "attribute mode", "constant", mode);
  const given = inputs ? Array.from(importing.constant(node, 1).data) : (attributes.ints("pads") ?? []);
  const value = inputs ? paddingValue(node, importing) : attributes.float("value", 0);
  const pool = importing.onlyReader(node.outputs[0]);
  const least = value <= LEAST && pool?.op === "MaxPool" && (x.layout === "image" || x.layout === "sequence");
  if (value !== 0 && !least) {
    importing.refuse(node, "value of the padding", "0, or the least number in front of a MaxPool", `${value}`);
  }
  const all = Array.from({ length: x.shape.length + 1 }, (_, axis) => axis);
  const named = (node.inputs[3] ?? "") === "" ? all : Array.from(importing.constant(node, 3).data);
  const axes = frontAxes(node, importing, named, x.shape.length + 1);
  const whole = given.every((n) => Number.isSafeInteger(n) && n >= 0 && n <= 2 ** 24);
  const side = (axis: number, end: 0 | 1): number => given[axes.indexOf(axis) + end * axes.length] ?? 0;
  if (given.length !== 2 * axes.length || !whole || (axes.includes(0) && (side(0, 0) !== 0 || side(0, 1) !== 0))) {
    const expected = `${2 * axes.length} integers of at least 0, none around the batch`;
    importing.refuse(node, "pads", expected, `[${given}]`);
  }
  const around = x.shape.map((_, axis) => (axes.includes(axis + 1) ? [side(axis + 1, 0), side(axis + 1, 1)] : [0, 0]));
  if (least) {
    const [channels, ...extents] = around;
    if (channels.some((n) => n > 0)) importing.refuse(node, "pads of channels", "0", `[${channels}]`);
    importing.outerPads.set(pool, extents);
    importing.set(node.outputs[0], x);
    return;
  }
  const shape = x.shape.map((extent, axis) => around[axis][0] + extent + around[axis][1]);
  const pads = order.map((axis) => [around[axis][0], around[axis][1]] as const);
  importing.layer(node, importing.keyOfPath(node), x.slot, { ...x, shape }, () => new ZeroPad(pads));
  importing.moved(x);
}

/** A part of images, every pixel or some of them, as in the shortcuts of residual networks; or a part of extents. */
export function importSlice(node: GraphNode, importing: Importing): void {
  const inputs = importing.graph.opset >= 10;
  importing.arity(node, inputs ? 3 : 1, inputs ? 5 : 1);
  if (readsExtents(node, importing)) {
    sliceExtents(node, importing);
    return;
  }
  const x = importing.input(node);
  if (x.layout === "rows") {
    sliceRows(node, importing, x);
    return;
  }
  const order = imageAxes(node, importing, x);
  const ranges = sliceRanges(node, importing, [Number.NaN, ...x.shape]).slice(1);
  const shape = ranges.map(({ count }) => count);
  const [c, h, v = { start: 0, step: 1, count: 1 }] = order.map((axis) => ranges[axis]).reverse();
  const still = x.layout === "sequence" && h.step !== 1;
  if (still || c.step !== 1 || v.step < 1 || h.step < 1 || shape.includes(0)) {
    importing.refuse(node, "slice", "forward ranges that are not empty, every channel", `[${shape}] of [N,${x.shape}]`);
  }
  const wanted = importing.keyOfPath(node);
  // Every k-th pixel up to the end is what windows of one pixel take.
  const parts = order.map((axis): [number, number] => {
    const { start, step, count } = ranges[axis];
    const whole = Math.ceil((x.shape[axis] - start) / step) === count;
    return [start, whole ? x.shape[axis] : start + (count - 1) * step + 1];
  });
  const cut = parts.some(([from, to], i) => from !== 0 || to !== x.shape[order[i]]);
  const cropped = parts.map(([from, to]) => to - from);
  const between = { ...x, shape: x.shape.map((_, axis) => cropped[order.indexOf(axis)]) };
  let value: Value = x;
  if (cut) {
    value = importing.inner(node, wanted, x.slot, between, () => new Crop(parts));
    importing.moved(x);
  }
  if (v.step > 1 || h.step > 1) {
    const stride: [number, number] = [v.step, h.step];
    const from = value;
    value = importing.inner(node, wanted, from.slot, { ...x, shape }, () => new MaxPool2d(1, { stride }));
    importing.moved(from);
  }
  alias(node, importing, value);
}

/** Neighbouring features of rows. */
function sliceRows(node: GraphNode, importing: Importing, x: Value): void {
  const [, { start, step, count }] = sliceRanges(node, importing, [Number.NaN, ...x.shape]);
  if (step !== 1 || count === 0) {
    importing.refuse(node, "slice", "a forward range of neighbours", `${count} in steps of ${step} of [N,${x.shape}]`);
  }
  const from = importing.restored(node, x);
  const make = () => new Crop([[start, start + count]]);
  importing.layer(node, importing.keyOfPath(node), from.slot, rows(count), make);
  importing.moved(from);
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
  alias(node, importing, importing.input(node));
}

/** Real numbers are f32 here, whatever a file stores them in; bytes of the input become real numbers by themselves. */
export function importCast(node: GraphNode, importing: Importing): void {
  importing.arity(node, 1, 1);
  const to = node.attributes.int("to", 0);
  node.attributes.int("saturate", 1);
  if ((to === ELEMENT.INT64 || to === ELEMENT.INT32) && passExtents(node, importing)) return;
  if (!isReal(to)) importing.refuse(node, "attribute to", "FLOAT, FLOAT16, BFLOAT16 or DOUBLE", elementName(to));
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
  if (tensor !== undefined) return { ...readTensor(tensor, node.where, importing.graph.external), name };
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
