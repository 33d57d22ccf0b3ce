/** @file Weights of a file into a network chosen by its name; where they are another network's, the refusal says whose. */
import { CoarsegradError, StateError } from "../core/errors.js";
import { MODEL_NAMES } from "../models/index.js";
import type { Module } from "../nn/module.js";
import type { StateSource } from "../nn/state.js";
import { freshNetwork } from "./fresh-network.js";
import type { ImageInfo } from "./images.js";
import type { WeightsSource } from "./source.js";
import { loadWeights } from "./weights.js";

/** A network and the name that it was made by. */
export interface NamedNetwork {
  readonly net: Module;
  readonly name: string;
}

/**
 * Loads weights as {@link loadWeights} does.
 *
 * @throws StateError that lists what does not match, with the file and the names of the networks that its weights are of; FormatError
 * as {@link loadWeights}
 */
export function loadNamedWeights(to: NamedNetwork, source: WeightsSource, info: ImageInfo): void {
  const owners = (): string[] => MODEL_NAMES.filter((name) => name !== to.name && fits(name, source, info));
  sayingWhose(to, source.path, owners, () => loadWeights(to.net, source, info.shape));
}

/**
 * Loads the state of a run.
 *
 * @param path the run's file
 * @param model the network that it trained
 * @throws StateError that lists what does not match, with the file and the name of that network
 */
export function loadRunState(to: NamedNetwork, state: StateSource, path: string, model: string): void {
  const owners = (): string[] => (model === to.name ? [] : [model]);
  sayingWhose(to, path, owners, () => to.net.loadStateDict(state));
}

function sayingWhose({ name }: NamedNetwork, path: string, owners: () => string[], load: () => void): void {
  try {
    load();
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    const others = owners();
    const theirs = `holds weights of ${others.join(" or ")}, not of ${name}`;
    const hint = `nothing was changed; ${path} ${others.length > 0 ? theirs : `does not hold weights of this ${name}`}`;
    const { op, expected, got } = error;
    throw new StateError({ op, what: "the state does not match the network", expected, got, hint });
  }
}

/** Whether the network of that name takes the weights, which loading them tells. */
function fits(name: string, source: WeightsSource, info: ImageInfo): boolean {
  let net: Module | undefined;
  try {
    net = freshNetwork(name, info, 0, null);
    loadWeights(net, source, info.shape);
    return true;
  } catch (error) {
    if (!(error instanceof CoarsegradError)) throw error;
    return false;
  } finally {
    net?.dispose();
  }
}
