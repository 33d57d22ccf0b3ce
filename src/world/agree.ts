/** @file What must be the same on every rank before they compute one result together. */
import { check, text } from "../core/checks.js";
import { WorldError } from "../core/errors.js";
import { firstOf } from "../core/first-of.js";
import { gatherJson, type World } from "./world.js";

/** "rank 3" or "ranks 1, 2 and 5", of many the first few. */
function ranksText(ranks: readonly number[]): string {
  const SHOWN = 8;
  const names = ranks.map(String);
  if (ranks.length === 1) return `rank ${names[0]}`;
  if (ranks.length > SHOWN) return `ranks ${firstOf(names, SHOWN)}`;
  return `ranks ${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/**
 * Compares a value over all ranks: a version, the hash of a configuration, a digest of weights. Collective.
 *
 * @param what it is, for the message: "the version of coarsegrad"
 * @param value this rank's
 * @param hint how to mend a difference
 * @throws WorldError on every rank, if one has another value than rank 0; it names the ranks that differ
 */
export async function agree(world: World, what: string, value: string, hint?: string): Promise<void> {
  check("agree", "what", what, text);
  const values = await gatherJson(world, value);
  const differing = values.flatMap((other, rank) => (other === values[0] ? [] : [rank]));
  if (differing.length === 0) return;
  const others = new Set(differing.map((rank) => values[rank]));
  const got = [...others].map((other) => `${other} on ${ranksText(differing.filter((r) => values[r] === other))}`);
  throw new WorldError({
    op: "world",
    what: `ranks do not agree on ${what}`,
    expected: `${values[0]} as on rank 0`,
    got: got.slice(0, 4).join(", "),
    hint,
  });
}
