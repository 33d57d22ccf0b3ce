/** @file From a float network to a quantized one. */
import { ArgumentError } from "../core/errors.js";
import { ReLU } from "../nn/activation.js";
import { Conv2d } from "../nn/conv.js";
import { Linear } from "../nn/linear.js";
import type { Module } from "../nn/module.js";
import { QuantConv2d, QuantLinear } from "./layers.js";
import { type Decision, type QuantPolicy, resolvePolicy, type Site, sitesOf } from "./policy.js";
import { Staircase } from "./staircase.js";

/**
 * Quantizes a network in place: every Conv2d and Linear becomes a QuantConv2d or QuantLinear on the same weights (now latent), every ReLU a
 * Staircase, as the policy says. The structure, the names and the float values stay, so a float state dict still loads (each staircase adds its
 * `alpha`). To keep the float network too, make a second one and load the state of the first.
 *
 * A layer that sits in several places stays shared. Layers that are quantized already are left alone. ReLUs must be modules: calls of the
 * function `relu` inside a `forward` are not seen. Warns on the console if nothing was quantized.
 *
 * @param net a network; optimizers made for it before are to be made anew
 * @param policy which widths and rules for which layers
 * @returns net
 * @throws ArgumentError on a policy that names no layer, a bad width, or a `net` that is a single layer; nothing is changed then
 * @see BCGD §2, §3
 * @example
 * prepare(net, { weights: 1, activations: 4, keepFloat: ["last"] });
 */
export function prepare<Net extends Module>(net: Net, policy: QuantPolicy): Net {
  if (net instanceof Conv2d || net instanceof Linear || net instanceof ReLU) {
    throw new ArgumentError({
      op: "prepare",
      what: "a single layer cannot be replaced in place",
      expected: "a network that contains it",
      got: net.constructor.name,
      hint: "wrap it in Sequential",
    });
  }
  const decisions = resolvePolicy(policy, sitesOf(net));
  let replaced = 0;
  for (const [site, decision] of decisions) {
    const module = replacement(site, decision);
    if (module === null) continue;
    replaced++;
    for (const { parent, key } of site.places) parent.replace(key, module);
  }
  net.nameParameters();
  if (replaced === 0) {
    console.warn(
      `CoarsegradQuantWarning: prepare() quantized nothing: ${
        decisions.size === 0
          ? "the network has no Conv2d, Linear or ReLU modules (calls of relu() are not seen)"
          : "the policy leaves every layer float; give `weights` and `activations`"
      }.`,
    );
  }
  return net;
}

function replacement({ module }: Site, decision: Decision): Module | null {
  if (decision === null) return null;
  if ("activations" in decision) {
    const made = new Staircase(decision.activations);
    made.training = module.training;
    return made;
  }
  if (module instanceof Conv2d) return new QuantConv2d(module, decision);
  if (module instanceof Linear) return new QuantLinear(module, decision);
  return null;
}
