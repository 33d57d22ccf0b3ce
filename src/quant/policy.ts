/** @file What to quantize and how: the policy of `prepare`, resolved to one decision per layer. */
import {
  anything,
  check,
  checkOptions,
  describe,
  either,
  integer,
  listOf,
  nullable,
  type OptionRules,
  type Rule,
  record,
  text,
} from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import { ReLU } from "../nn/activation.js";
import { Conv2d } from "../nn/conv.js";
import { Conv1d } from "../nn/conv1d.js";
import { Linear } from "../nn/linear.js";
import type { Module } from "../nn/module.js";
import { QuantConv1d, QuantConv2d, type QuantLayer, QuantLinear } from "./layers.js";
import { type Projection, projectionFor, projectionNamed } from "./projection/index.js";
import { isProjection } from "./projection/projection.js";
import type { Granularity } from "./quant-parameter.js";
import { Staircase, type StaircaseOptions, staircase } from "./staircase.js";

/** How one layer is quantized; what is left out comes from the policy. */
export interface LayerPolicy {
  /** For convolutions and linear layers: a rule, a width for its default rule, or null for float. */
  readonly weights?: Projection | number | null;
  /** For ReLUs: a staircase, a width, or null for float. */
  readonly activations?: StaircaseOptions | number | null;
  /** What shares one weight scale. */
  readonly granularity?: Granularity;
}

/** How a network is quantized. */
export interface QuantPolicy extends LayerPolicy {
  /** Default null: float. */
  readonly weights?: Projection | number | null;
  /** Default null: float. */
  readonly activations?: StaircaseOptions | number | null;
  /** Default "layer". */
  readonly granularity?: Granularity;
  /**
   * Layers that stay float: paths (`fc2`, or `layer1` for all below it), patterns with `*`, and "first" and "last", the
   * first and the last layer with weights in the order of the modules.
   */
  readonly keepFloat?: readonly string[];
  /** Exceptions by path or pattern; they count more than `keepFloat`, and later ones more than earlier ones. */
  readonly perLayer?: Readonly<Record<string, LayerPolicy>>;
}

/** A layer that can be quantized, and every place where it is. */
export interface Site {
  /** Path of its first place. */
  readonly path: string;
  readonly module: Conv2d | Conv1d | Linear | ReLU | QuantLayer | Staircase;
  readonly places: { readonly parent: Module; readonly key: string; readonly path: string }[];
}

/** What becomes of a site: weights or an activation, or null for float. */
export type Decision =
  | { readonly weights: Projection; readonly granularity: Granularity }
  | { readonly activations: StaircaseOptions }
  | null;

const KINDS = [Conv2d, Conv1d, Linear, ReLU, QuantConv2d, QuantConv1d, QuantLinear, Staircase];

/** True for activations, float or quantized. */
export function isActivation({ module }: Site): boolean {
  return module instanceof ReLU || module instanceof Staircase;
}

/** All convolutions, linear layers and ReLUs below a module, quantized ones too, each once, in order. */
export function sitesOf(net: Module): Site[] {
  const sites = new Map<Module, Site>();
  const seen = new Set<Module>();
  const walk = (parent: Module, prefix: string): void => {
    if (seen.has(parent)) return;
    seen.add(parent);
    for (const [key, child] of parent.namedChildren()) {
      const path = prefix === "" ? key : `${prefix}.${key}`;
      if (KINDS.some((kind) => child instanceof kind)) {
        const site = sites.get(child) ?? { path, module: child as Site["module"], places: [] };
        site.places.push({ parent, key, path });
        sites.set(child, site);
      } else walk(child, path);
    }
  };
  walk(net, "");
  return [...sites.values()];
}

const isNumber: Rule = (value) => (typeof value === "number" ? null : "a width");
const LAYER_RULES: OptionRules<LayerPolicy> = {
  weights: nullable(either(isNumber, isProjection)),
  activations: nullable(either(isNumber, record)),
  granularity: anything,
};

/**
 * True if a pattern stands for a path or for a layer above it; `*` is any text. Every part is taken where it first
 * fits: no pattern costs more than its parts.
 */
export function fits(pattern: string, path: string): boolean {
  const parts = pattern.split("*");
  const head = parts[0];
  if (!path.startsWith(head)) return false;
  let at = head.length;
  const last = parts.length - 1;
  for (let i = 1; i < last; i++) {
    const place = path.indexOf(parts[i], at);
    if (place < 0) return false;
    at = place + parts[i].length;
  }
  if (last === 0) return at === path.length || path[at] === ".";
  // The last part ends the path, or what is below it begins there.
  const tail = parts[last];
  for (let place = path.indexOf(tail, at); place >= 0; place = path.indexOf(tail, place + 1)) {
    const end = place + tail.length;
    if (tail === "" || end === path.length || path[end] === ".") return true;
  }
  return false;
}

function matches(pattern: string, { places }: Site): boolean {
  return places.some(({ path }) => fits(pattern, path));
}

function found(option: string, pattern: string, sites: readonly Site[]): Site[] {
  const hits = sites.filter((site) => matches(pattern, site));
  if (hits.length > 0) return hits;
  throw new ArgumentError({
    op: "prepare",
    what: `${option} names no layer`,
    expected: sites.map(({ path }) => path).join(", ") || "a network with convolutions, linear layers or ReLUs",
    got: pattern,
  });
}

function ruleOf(weights: Projection | number): Projection {
  return typeof weights === "number" ? projectionFor(weights) : weights;
}

/**
 * One decision per site, all options checked.
 *
 * @throws ArgumentError on names that match no layer (listing those there are), unknown granularity, and bad widths
 */
export function resolvePolicy(policy: QuantPolicy, sites: readonly Site[]): Map<Site, Decision> {
  check("prepare", "policy", policy, record);
  checkOptions<QuantPolicy>("prepare", policy, { ...LAYER_RULES, keepFloat: listOf(text), perLayer: record });
  for (const own of Object.values(policy.perLayer ?? {})) checkOptions<LayerPolicy>("prepare", own, LAYER_RULES);
  const weighted = sites.filter((site) => !isActivation(site));
  const layers = new Map<Site, LayerPolicy>(sites.map((site) => [site, policy]));
  for (const name of policy.keepFloat ?? []) {
    const hits =
      name === "first" ? weighted.slice(0, 1) : name === "last" ? weighted.slice(-1) : found("keepFloat", name, sites);
    for (const site of hits) layers.set(site, { weights: null, activations: null, granularity: policy.granularity });
  }
  for (const [name, own] of Object.entries(policy.perLayer ?? {})) {
    const options = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
    for (const site of found("perLayer", name, sites)) layers.set(site, { ...layers.get(site), ...options });
  }
  return new Map(sites.map((site) => [site, decide(site, layers.get(site) ?? {})]));
}

function decide(site: Site, { weights, activations, granularity = "layer" }: LayerPolicy): Decision {
  if (granularity !== "layer" && granularity !== "channel") {
    throw new ArgumentError({
      op: "prepare",
      what: "unknown granularity",
      expected: "layer or channel",
      got: describe(granularity),
    });
  }
  if (isActivation(site)) {
    if (activations === undefined || activations === null) return null;
    return { activations: staircase(typeof activations === "number" ? { bits: activations } : activations) };
  }
  return weights === undefined || weights === null ? null : { weights: ruleOf(weights), granularity };
}

/**
 * The rules of the authors' released code: binary mean, ternary threshold scaled over all entries, one-shot 4-bit;
 * their start values of α; the last layer float. What is left out of their code (other widths) follows the defaults.
 *
 * @param bits width of the weights and of the activations
 * @throws ArgumentError on widths outside 1…8
 * @see BCGD §2, §3
 */
export function authorsPolicy(bits: { readonly weights: number; readonly activations: number }): QuantPolicy {
  const width = integer(1, 8);
  checkOptions("authorsPolicy", bits, { weights: width, activations: width }, ["weights", "activations"]);
  const known = bits.activations === 1 || bits.activations === 2 || bits.activations === 4;
  return {
    weights: projectionNamed("authors", bits.weights),
    activations: staircase({ bits: bits.activations, alpha: known ? "authors" : "half-gaussian" }),
    keepFloat: ["last"],
  };
}
