/** @file Import of norms whose statistics are those of each image: local response, instance, mean and variance. */

import { frontAxes } from "./axes.js";
import { LocalResponseNorm, Standardize } from "./computed-layers.js";
import type { GraphNode } from "./graph.js";
import type { Importing } from "./importing.js";
import { WithConstant } from "./layers.js";

/** Channels that one response may be normalized over. */
const MAX_SIZE = 1024;

/** x/(bias + alpha/size·Σ x²)^beta over neighbouring channels. */
export function importLocalResponseNorm(node: GraphNode, importing: Importing): void {
  importing.arity(node, 1, 1);
  const { attributes } = node;
  const x = importing.image(node);
  const size = attributes.int("size", 0);
  const options = {
    alpha: attributes.float("alpha", 1e-4),
    beta: attributes.float("beta", 0.75),
    bias: attributes.float("bias", 1),
  };
  if (!(size >= 1 && size <= MAX_SIZE && size % 2 === 1)) {
    importing.refuse(node, "attribute size", `an odd number, 1 to ${MAX_SIZE}`, `${size}`);
  }
  const bad = Object.values(options).find((value) => !Number.isFinite(value));
  if (bad !== undefined) importing.refuse(node, "attributes", "finite numbers", `${bad}`);
  importing.layer(node, importing.keyOfPath(node), x.slot, { ...x }, () => new LocalResponseNorm(size, options));
}

/** Each image's channels by their own mean and variance, then scaled and shifted. */
export function importInstanceNorm(node: GraphNode, importing: Importing): void {
  importing.arity(node, 3, 3);
  const x = importing.image(node);
  const eps = node.attributes.float("epsilon", Math.fround(1e-5));
  if (!(eps >= 0 && Number.isFinite(eps))) importing.refuse(node, "attribute epsilon", "at least 0", `${eps}`);
  const [scale, shift] = [1, 2].map((i) => importing.vector(node, i, x.shape[0]));
  const key = importing.keyOf(node, importing.constant(node, 1));
  const standard = importing.inner(node, key, x.slot, { ...x }, () => new Standardize([1, 2], { eps }));
  const scaled = importing.inner(node, `${key}.scale`, standard.slot, { ...x }, () => new WithConstant("mul", scale));
  importing.layer(node, `${key}.shift`, scaled.slot, { ...x }, () => new WithConstant("add", shift));
}

/** The same over any axes of one image, without scale and shift. */
export function importMeanVariance(node: GraphNode, importing: Importing): void {
  importing.arity(node, 1, 1);
  const x = importing.image(node);
  const given = node.attributes.ints("axes") ?? [0, 2, 3];
  const single = importing.graph.inputs[0].extents?.[0] === 1;
  const axes = frontAxes(node, importing, given, 4).filter((axis) => axis !== 0 || !single);
  if (axes.length === 0 || axes.includes(0)) {
    importing.refuse(node, "axes", "axes of one image, or a batch that is one for good", `[${given}]`);
  }
  const own = axes.map((axis) => [0, 3, 1, 2][axis]);
  // The operator adds 1e-9 to the deviation.
  importing.layer(node, importing.keyOfPath(node), x.slot, { ...x }, () => new Standardize(own, { beyond: 1e-9 }));
}
