/** @file What ranks must have in common before they go on. */
import { describe } from "../core/checks.js";
import { WorldError } from "../core/errors.js";
import { gatherJson, type World } from "./world.js";

/**
 * Compares a value over all ranks. Collective.
 *
 * @param what names it in the message, such as `configuration`
 * @throws WorldError on every rank, naming the first that differs from rank 0
 */
export async function agree(
  world: World,
  what: string,
  value: string | number | boolean,
  hint?: string,
): Promise<void> {
  if (world.size === 1) return;
  const all = await gatherJson(world, value);
  const other = all.findIndex((each) => each !== all[0]);
  if (other < 0) return;
  throw new WorldError({
    op: "ranks",
    what: `rank ${other} differs from rank 0 in its ${what}`,
    expected: describe(all[0]),
    got: describe(all[other]),
    hint,
  });
}
