/** @file The figures of an epoch that is not complete: what a checkpoint within it holds, and what ranks add up. */
import type { WatchCounts } from "../quant/diagnostics.js";
import type { GradientWatch } from "./guard.js";
import type { LayerWatch } from "./metrics.js";
import type { Counted, Kept, Tally } from "./task.js";
import type { Together } from "./together.js";

/** What a checkpoint within an epoch holds of the epoch's figures. */
export interface PartialEpoch {
  readonly sums: Kept;
  readonly counts: WatchCounts;
  /** Parameters that got no gradient so far. */
  readonly silent: readonly string[];
}

/** The figures of the steps so far. Collective. */
export async function partialOf<Item extends Counted>(
  together: Together<Item>,
  tally: Tally,
  watch: LayerWatch,
  gradients: GradientWatch,
): Promise<PartialEpoch> {
  const [own, ...others] = await together.counts(watch.counted());
  const codes = own.codes.map((list, i) => others.reduce((sum, { codes }) => sum.map((n, c) => n + codes[i][c]), list));
  return { sums: tally.kept(), counts: { flips: own.flips, codes }, silent: gradients.silent };
}

/** Goes on with the figures of an epoch's first part. @param codes whether this rank has those of all ranks' images */
export function takeUpEpoch(earlier: PartialEpoch, watch: LayerWatch, gradients: GradientWatch, codes: boolean): void {
  const { counts } = earlier;
  watch.add(codes ? counts : { ...counts, codes: counts.codes.map((list) => list.map(() => 0)) }, true);
  gradients.keep(earlier.silent);
}

/** Adds the codes that the other ranks counted on their images. Collective. */
export async function addOthers<Item extends Counted>(together: Together<Item>, watch: LayerWatch): Promise<void> {
  const all = await together.counts(watch.counted());
  all.forEach((counts, rank) => {
    if (rank !== together.world.rank) watch.add(counts, false);
  });
}
