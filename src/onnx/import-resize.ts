/** @file Import of Resize and Upsample, where a layer of this library takes the very places that the file says. */
import { type Taps, tapsOf } from "../core/resample.js";
import { Upsample, type UpsampleOptions } from "../nn/upsample.js";
import type { GraphNode } from "./graph.js";
import { BATCH, type Importing } from "./importing.js";

/** How a file says where outputs lie among inputs. */
interface Places {
  readonly mode: "nearest" | "linear";
  readonly transform: string;
  /** How a place between two is rounded, for nearest. */
  readonly rounding: string;
}

const TRANSFORMS = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"];
const ROUNDINGS: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** Images of other extents: factors or extents of rows and columns, 1 for batch and channels. */
export function importResize(node: GraphNode, importing: Importing): void {
  const { opset } = importing.graph;
  const old = opset < 11;
  const attribute = node.op === "Upsample" && opset < 9;
  importing.arity(node, 1, attribute ? 1 : old ? 2 : 4);
  const x = importing.image(node);
  const [channels, h, w] = x.shape;
  const places = placesOf(node, importing, old);
  const axes = axesAt(node, importing);
  const { scales, sizes } = extentsOf(node, importing, old ? 1 : 2, attribute, axes);
  const factors = scales ?? [1, 1].map((_, i) => (sizes as readonly number[])[i] / [h, w][i]);
  const size = sizes ?? [h, w].map((extent, i) => Math.floor(extent * factors[i]));
  if (!size.every((extent) => Number.isSafeInteger(extent) && extent >= 1 && extent <= 2 ** 24)) {
    importing.refuse(node, "extents of its result", "integers from 1 to 2^24", `[${size}]`);
  }
  if (old && places.mode === "nearest" && factors.some((factor) => factor < 1)) {
    importing.refuse(node, "scales before opset 11", "at least 1 for nearest", `[${factors}]`);
  }
  const options = optionsFor(places, [h, w], size, scales === null ? [null, null] : factors);
  if (options === null) {
    const got = `${places.transform}${places.mode === "nearest" ? `, ${places.rounding}` : ""} from ${h}×${w} to ${size.join("×")}`;
    importing.refuse(
      node,
      `places of mode ${places.mode}`,
      places.mode === "nearest"
        ? "those of asymmetric with floor, or of half_pixel with round_prefer_ceil"
        : "those of half_pixel or align_corners",
      got,
    );
  }
  const info = { shape: [channels, ...size], layout: "image", stretches: null } as const;
  importing.layer(node, importing.keyOfPath(node), x.slot, info, () => new Upsample(options));
  if (places.mode === "nearest") importing.moved(x);
}

function placesOf(node: GraphNode, importing: Importing, old: boolean): Places {
  const { attributes } = node;
  const given = attributes.text("mode", "nearest");
  // Upsample called it bilinear once.
  const mode = given === "bilinear" && old ? "linear" : given;
  if (mode !== "nearest" && mode !== "linear") importing.refuse(node, "attribute mode", "nearest or linear", given);
  if (old) return { mode, transform: "asymmetric", rounding: "floor" };
  const transform = attributes.text("coordinate_transformation_mode", "half_pixel");
  if (!TRANSFORMS.includes(transform)) {
    importing.refuse(node, "attribute coordinate_transformation_mode", TRANSFORMS.join(", "), transform);
  }
  const rounding = attributes.text("nearest_mode", "round_prefer_floor");
  if (!Object.hasOwn(ROUNDINGS, rounding)) {
    importing.refuse(node, "attribute nearest_mode", Object.keys(ROUNDINGS).join(", "), rounding);
  }
  attributes.fixed("antialias", 0);
  attributes.fixed("exclude_outside", 0);
  // For other modes alone.
  attributes.float("cubic_coeff_a", 0);
  attributes.float("extrapolation_value", 0);
  const policy = attributes.text("keep_aspect_ratio_policy", "stretch");
  if (policy !== "stretch") importing.refuse(node, "attribute keep_aspect_ratio_policy", "stretch", policy);
  return { mode, transform, rounding };
}

/** Axes that factors and extents are given for. */
function axesAt(node: GraphNode, importing: Importing): readonly number[] {
  const axes = (node.attributes.ints("axes") ?? [0, 1, 2, 3]).map((axis) => (axis < 0 ? axis + 4 : axis));
  const good = `${axes}` === "0,1,2,3" || `${axes}` === "2,3";
  return good ? axes : importing.refuse(node, "attribute axes", "[0,1,2,3] or [2,3]", `[${axes}]`);
}

/** Factors, or extents, of rows and columns. @param at the first input that may have them */
function extentsOf(
  node: GraphNode,
  importing: Importing,
  at: number,
  attribute: boolean,
  axes: readonly number[],
): { scales: readonly number[] | null; sizes: readonly number[] | null } {
  const refuse = (what: string, expected: string, got: string): never => importing.refuse(node, what, expected, got);
  const [channels] = importing.input(node).shape;
  const given = (i: number): boolean => {
    const name = node.inputs[i] ?? "";
    return name !== "" && !(importing.isConstant(node, i) && importing.constant(node, i).data.length === 0);
  };
  if (attribute || given(at)) {
    if (given(at + 1) && !attribute) refuse("scales and sizes", "one of them", "both");
    const list = attribute ? (node.attributes.floats("scales") ?? []) : Array.from(importing.reals(node, at).data);
    const whole = axes.length === 4 && (list[0] !== 1 || list[1] !== 1);
    if (list.length !== axes.length || whole || !list.every((scale) => scale > 0 && Number.isFinite(scale))) {
      refuse("scales", `${axes.length} positive numbers, 1 for batch and channels`, `[${list}]`);
    }
    return { scales: list.slice(-2), sizes: null };
  }
  if (!given(at + 1)) return refuse("scales and sizes", "one of them", "none");
  const wanted = importing.extents(node.inputs[at + 1]) ?? refuse("sizes", "extents", "a computed value");
  const list = wanted.list;
  const [n, c] = list;
  const known = importing.graph.inputs[0].extents?.[0] ?? null;
  const front = axes.length === 2 || ((n === BATCH || (known !== null && n === known)) && c === channels);
  const [tall, wide] = list.slice(-2);
  if (list.length !== axes.length || !front || typeof tall !== "number" || typeof wide !== "number") {
    return refuse("sizes", `${axes.length} extents, those of batch and channels kept`, `[${list}]`);
  }
  return { scales: null, sizes: [tall, wide] };
}

/** What an axis reads, as the standard says it. */
function standardTaps(places: Places, extent: number, out: number, scale: number | null): Taps {
  const { mode, transform, rounding } = places;
  if (mode === "linear") {
    const single = transform === "pytorch_half_pixel" && out === 1;
    const coordinates = transform === "pytorch_half_pixel" ? "half_pixel" : (transform as "half_pixel");
    return single ? tapsOf(mode, "align_corners", extent, 1) : tapsOf(mode, coordinates, extent, out, scale);
  }
  const low = Int32Array.from({ length: out }, (_, p) => {
    let at = scale === null ? ((2 * p + 1) * extent - out) / (2 * out) : (p + 0.5) / scale - 0.5;
    if (transform === "pytorch_half_pixel" && out === 1) at = 0;
    if (transform === "asymmetric") at = scale === null ? (p * extent) / out : p / scale;
    if (transform === "align_corners") at = out === 1 ? 0 : (p * (extent - 1)) / (out - 1);
    return Math.max(0, Math.min(extent - 1, ROUNDINGS[rounding](at)));
  });
  return { low, high: null, share: new Float64Array(out) };
}

function alike(a: Taps, b: Taps): boolean {
  return `${a.low}` === `${b.low}` && `${a.high}` === `${b.high}` && `${a.share}` === `${b.share}`;
}

/** The options of a layer that takes the same places; null if none does. */
function optionsFor(
  places: Places,
  image: readonly number[],
  size: readonly number[],
  scales: readonly (number | null)[],
): UpsampleOptions | null {
  const wanted = image.map((extent, i) => standardTaps(places, extent, size[i], scales[i]));
  const kinds =
    places.mode === "nearest"
      ? ([
          ["nearest", "asymmetric"],
          ["nearest-exact", "half_pixel"],
        ] as const)
      : ([
          ["bilinear", "half_pixel"],
          ["bilinear", "align_corners"],
        ] as const);
  const pair = (list: readonly (number | null)[]): [number, number] => [list[0] as number, list[1] as number];
  for (const own of scales[0] === null ? [[null, null]] : [scales, [null, null]]) {
    for (const [mode, coordinates] of kinds) {
      const factors = coordinates === "align_corners" ? [null, null] : own;
      const same = image.every((extent, i) =>
        alike(wanted[i], tapsOf(places.mode, coordinates, extent, size[i], exactly(factors[i], extent, size[i]))),
      );
      if (!same) continue;
      const extents = own[0] === null ? { size: pair(size) } : { scale: pair(own) };
      return { ...extents, mode, ...(coordinates === "align_corners" && { alignCorners: true }) };
    }
  }
  return null;
}

/** A factor, null if it is the quotient of the extents. */
function exactly(factor: number | null, extent: number, out: number): number | null {
  return factor !== null && extent * factor === out ? null : factor;
}
