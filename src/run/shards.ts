/** @file How a new run is divided into shards, and how many ranks share them. */
import { check, either, integer, oneOf } from "../core/checks.js";
import type { Settings } from "./config.js";
import { FIELDS } from "./fields.js";

/** Images of a shard: activations of small networks stay in a second-level cache, and batch norms see enough of them. */
const IMAGES = 32;

/**
 * Shards of new runs of the command line: the largest power of two that leaves each 32 images or more.
 *
 * @param batch images in a step
 */
export function shardsFor(batch: number): number {
  check("shardsFor", "batch", batch, integer(1));
  let shards = 1;
  while (batch / (2 * shards) >= IMAGES) shards *= 2;
  return shards;
}

/** Settings of a new run of the command line: divided by a rule of the batch size alone, unless they say otherwise. */
export function withShards(settings: Settings): Settings {
  if (settings.shards !== undefined) return settings;
  return { ...settings, shards: shardsFor(settings.batch ?? (FIELDS.batch.initial as number)) };
}

/**
 * Ranks of a run: as many as there are processors, as long as all get equally many shards.
 *
 * @param wanted a number (at most one rank for each shard), or `auto`
 * @throws ArgumentError for more ranks than shards
 */
export function ranksFor(wanted: number | "auto", shards: number, processors: number): number {
  check("ranksFor", "ranks", wanted, either(integer(1), oneOf("auto")));
  if (wanted !== "auto") {
    check("--ranks", "ranks", wanted, integer(1, shards), `the run has ${shards} shards; --shards decides`);
    return wanted;
  }
  let ranks = 1;
  while (2 * ranks <= Math.min(shards, processors)) ranks *= 2;
  return ranks;
}
