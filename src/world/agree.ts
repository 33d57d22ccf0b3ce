/** @file What ranks must have in common before they go on. */
import { describe } from "../core/checks.js";
import { WorldError } from "../core/errors.js";
import { gatherJson, type World } from "./world.js";

/** Ranks that a message names. */
const SHOWN = 8;

/** "rank 3 differs from rank 0 in its …", or "ranks 1, 2 and 5 differ from rank 0 in their …". */
function differenceText(ranks: readonly number[], what: string): string {
  if (ranks.length === 1) return `rank ${ranks[0]} differs from rank 0 in its ${what}`;
  const more = ranks.length > SHOWN ? `${ranks.length - SHOWN} more` : ranks[ranks.length - 1];
  const named = ranks.slice(0, Math.min(SHOWN, ranks.length - 1)).join(", ");
  return `ranks ${named} and ${more} differ from rank 0 in their ${what}`;
}

/**
 * Compares a value over all ranks: a version, the hash of a configuration, a digest of weights. Collective.
 *
 * @param what names it in the message, such as `configuration`
 * @param value this rank's
 * @param hint how to mend a difference
 * @throws WorldError on every rank, naming those that differ from rank 0, and what the first of them has
 */
export async function agree(
  world: World,
  what: string,
  value: string | number | boolean,
  hint?: string,
): Promise<void> {
  if (world.size === 1) return;
  const all = await gatherJson(world, value);
  const others = all.flatMap((each, rank) => (each === all[0] ? [] : [rank]));
  if (others.length === 0) return;
  throw new WorldError({
    op: "ranks",
    what: differenceText(others, what),
    expected: describe(all[0]),
    got: describe(all[others[0]]),
    hint,
  });
}
