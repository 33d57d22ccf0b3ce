/** @file From a float network to a quantized one. */
import { check, instanceOf } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import { ReLU } from "../nn/activation.js";
import { Conv2d } from "../nn/conv.js";
import { Conv1d } from "../nn/conv1d.js";
import { Linear } from "../nn/linear.js";
import { Module } from "../nn/module.js";
import type { Parameter } from "../nn/parameter.js";
import { isQuantLayer, QuantConv1d, QuantConv2d, type QuantLayer, QuantLinear } from "./layers.js";
import { obstacles } from "./obstacles.js";
import { type Decision, type QuantPolicy, resolvePolicy, type Site, sitesOf } from "./policy.js";
import type { Projection } from "./projection/index.js";
import { Staircase } from "./staircase.js";
import type { Shared } from "./weighted-layer.js";

/**
 * Quantizes a network in place: every Conv2d, Conv1d and Linear becomes a QuantConv2d, QuantConv1d or QuantLinear on the
 * same weights (now latent), every ReLU a Staircase, as the policy says. Other activations stay, and layers behind them
 * read real numbers. The structure, the names and the float values stay, so a float state dict still loads (each
 * staircase adds its `alpha`). To keep the float network too, make a second one and load the state of the first.
 *
 * A layer that sits in several places stays shared, and so does a weight that several layers share: it becomes one
 * quantized parameter. Layers that are quantized already get what the policy asks for now, in place: their α stays
 * unless the width or rounding changes. ReLUs must be modules: calls of the function `relu` inside a `forward` stay
 * float, and the first pass that records gradients warns of them by layer. Warns on the console of layers that were
 * changed so, of layers that stay float though the policy asks for them (subclasses with behaviour of their own;
 * weights that float code uses too), and if nothing was quantized.
 *
 * @param net a network; optimizers made for it before are to be made anew
 * @param policy which widths and rules for which layers
 * @returns net
 * @throws ArgumentError on a policy that names no layer, a bad width, or a `net` that is a single layer; nothing is
 * changed then
 * @see BCGD §2, §3
 * @example
 * prepare(net, { weights: 1, activations: 4, keepFloat: ["last"] });
 */
export function prepare<Net extends Module>(net: Net, policy: QuantPolicy): Net {
  check("prepare", "net", net, instanceOf(Module as never, "a Module"));
  if (net instanceof Conv2d || net instanceof Conv1d || net instanceof Linear || net instanceof ReLU) {
    throw new ArgumentError({
      op: "prepare",
      what: "a single layer cannot be replaced in place",
      expected: "a network that contains it",
      got:
        net instanceof ReLU
          ? "a ReLU"
          : net instanceof Linear
            ? "a Linear"
            : net instanceof Conv1d
              ? "a Conv1d"
              : "a Conv2d",
      hint: "wrap it in Sequential",
    });
  }
  const decisions = resolvePolicy(policy, sitesOf(net));
  const kept = obstacles(net, decisions);
  const planned = [...decisions].filter(([site, decision]) => decision !== null && !kept.has(site));
  checkShared(planned);
  const shared: Shared = new Map();
  const said: string[] = [];
  for (const [site, decision] of planned) {
    const change = requantize(site, decision);
    if (change !== null) said.push(change);
  }
  const fresh = planned.filter(([{ module }]) => !isQuantized(module));
  for (const [site, decision] of fresh) {
    const module = replacement(site, decision, shared);
    if (module === null) continue;
    for (const { parent, key } of site.places) parent.replace(key, module);
  }
  net.nameParameters();
  if (asksForCodes(policy, decisions, kept.size)) {
    for (const module of net.modules()) {
      if (isQuantLayer(module)) module.expectCodes();
    }
  }
  if (kept.size > 0) {
    const names = [...kept].map(([{ path }, reason]) => `${path} (${reason})`).join(", ");
    warn(`left layers float that the policy asks for: ${names}`);
  }
  if (said.length > 0) warn(`changed layers that were quantized already: ${said.join(", ")}`);
  else if (fresh.length === 0 && kept.size === 0) warn(`quantized nothing: ${nothing(decisions)}`);
  return net;
}

/**
 * True if the policy wants staircases everywhere: where one ReLU is float on purpose, real numbers behind a ReLU say
 * nothing.
 */
function asksForCodes(policy: QuantPolicy, decisions: ReadonlyMap<Site, Decision>, kept: number): boolean {
  if (policy.activations === undefined || policy.activations === null || kept > 0) return false;
  return [...decisions].every(([{ module }, decision]) => !(module instanceof ReLU) || decision !== null);
}

function warn(text: string): void {
  console.warn(`CoarsegradQuantWarning: prepare() ${text}.`);
}

function nothing(decisions: ReadonlyMap<Site, Decision>): string {
  if (decisions.size === 0)
    return "the network has no Conv2d, Conv1d, Linear or ReLU modules (calls of relu() are not seen)";
  const asked = [...decisions.values()].some((decision) => decision !== null);
  return asked
    ? "every layer that the policy names is quantized already, as it asks"
    : "the policy leaves every layer float; give `weights` and `activations`";
}

function isQuantized(module: Module): module is QuantLayer | Staircase {
  return isQuantLayer(module) || module instanceof Staircase;
}

/** A rule in words that are equal for equal rules; `onGrid` keeps the rule that it was made from. */
function ruleText(rule: Projection): string {
  const { grid: _, ...info } = rule.describe();
  return JSON.stringify(info);
}

/**
 * Refuses shared weights that are asked to be quantized in two ways, and weights that cannot be.
 * @throws ArgumentError
 */
function checkShared(planned: readonly (readonly [Site, Decision])[]): void {
  const asked = new Map<Parameter, { path: string; text: string }>();
  for (const [{ module, path, places }, decision] of planned) {
    for (const { parent, key } of places) {
      if (isQuantized(module)) continue;
      if (parent.memberAt(key)?.writable === false) {
        throw new ArgumentError({
          op: "prepare",
          what: `${path} cannot be replaced`,
          expected: "a property or list that is not frozen",
          got: "one that is",
        });
      }
    }
    if (decision === null || !("weights" in decision) || module instanceof ReLU || module instanceof Staircase)
      continue;
    const { weight } = module;
    if (weight.dtype !== "f32" || !weight.data.alive) {
      const got = weight.data.alive ? weight.dtype : "one that was disposed of";
      throw new ArgumentError({ op: "prepare", what: `the weight of ${path}`, expected: "a live f32 array", got });
    }
    const text = `${ruleText(decision.weights)} per ${decision.granularity}`;
    const other = asked.get(weight);
    if (other !== undefined && other.text !== text) {
      throw new ArgumentError({
        op: "prepare",
        what: `${other.path} and ${path} share one weight`,
        expected: `one rule for both: ${other.text}`,
        got: text,
      });
    }
    asked.set(weight, { path, text });
  }
}

/**
 * Gives a quantized layer the widths and rules that are asked for now, in place.
 * @returns what changed; null if nothing did
 */
function requantize({ module, path }: Site, decision: Decision): string | null {
  if (decision === null || !isQuantized(module)) return null;
  if ("activations" in decision) {
    if (!(module instanceof Staircase)) return null;
    const { bits, proxy, rule, rounding, alpha } = module;
    const before = alpha.constraint;
    module.configure(decision.activations);
    const same = bits === module.bits && proxy === module.proxy && rule === module.rule && rounding === module.rounding;
    if (same && decision.activations.constraint === undefined) alpha.constraint = before;
    return same ? null : `${path} (${bits} → ${module.bits} bits)`;
  }
  if (module instanceof Staircase) return null;
  const { weight } = module;
  const [was, granularity] = [weight.projection, weight.granularity];
  if (ruleText(was) === ruleText(decision.weights) && granularity === decision.granularity) return null;
  weight.projection = decision.weights;
  weight.granularity = decision.granularity;
  return `${path} (${was.bits}-bit ${was.name} → ${decision.weights.bits}-bit ${decision.weights.name})`;
}

function replacement({ module }: Site, decision: Decision, shared: Shared): Module | null {
  if (decision === null) return null;
  if ("activations" in decision) {
    const staircase = new Staircase(decision.activations);
    staircase.training = module.training;
    return staircase;
  }
  if (module instanceof Conv2d) return new QuantConv2d(module, decision, shared);
  if (module instanceof Conv1d) return new QuantConv1d(module, decision, shared);
  if (module instanceof Linear) return new QuantLinear(module, decision, shared);
  return null;
}
