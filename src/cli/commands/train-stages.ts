/** @file `coarsegrad train --stages`: a run for each stage, in a folder of all. */
import path from "node:path";
import { RunFolder } from "../../node/run/folder.js";
import type { PlannedRun, RunPlace } from "../../node/run/plan.js";
import type { Settings } from "../../run/config.js";
import { type Stage, stageFolder, stagesKind } from "../../run/stages.js";
import type { RunSummary } from "../../run/summary.js";
import { UsageError } from "../../run/usage-error.js";

/** A run that is complete. */
export interface TrainedRun {
  readonly folder: string;
  readonly summary: RunSummary;
}

/**
 * Trains one stage after the other. A stage starts from the run before it: latent weights, batch norms, and activation
 * steps where the widths of activations are the same. With `resume` stages that are complete are only tested again.
 *
 * @param settings of every stage; the first one starts from their `init`
 * @param one trains a run in its folder
 * @throws UsageError for settings that stages have by themselves
 */
export async function trainStages(
  stages: readonly Stage[],
  settings: Settings,
  place: RunPlace,
  one: (settings: Settings, place: RunPlace) => Promise<TrainedRun>,
  distributed?: string,
): Promise<TrainedRun[]> {
  const { out, resume = false, force = false } = place;
  const refuse = (what: string, expected: string, got: string): never => {
    throw new UsageError({ op: "--stages", what, expected, got });
  };
  if (settings.bits !== undefined || settings.epochs !== undefined) {
    refuse("every stage has bits and epochs of its own", "no --bits and no --epochs", stagesKind.write(stages));
  }
  if (distributed !== undefined) refuse("one run at a time", "no --distributed: launch each stage", distributed);
  const root = out ?? refuse("a folder of all stages is needed", "--out DIR", "none");
  const folders = stages.map((stage, i) => path.join(root, stageFolder(i, stage)));
  const held = await Promise.all(folders.map((folder) => RunFolder.holdsRun(folder)));
  if (held.includes(true) && !resume && !force) {
    refuse("the folder holds stages already", "--resume or --force, or another --out", root);
  }
  const runs: TrainedRun[] = [];
  for (const [i, { bits, epochs }] of stages.entries()) {
    const init = i === 0 ? settings.init : folders[i - 1];
    const own = { ...settings, bits, epochs, ...(init !== undefined && { init }) };
    runs.push(await one(own, { out: folders[i], resume: resume && held[i], force }));
  }
  return runs;
}

/** Refuses other epochs for a stage that is there: the stages behind it started from what it was. @throws UsageError */
export function checkStage({ folder, config, extendTo }: PlannedRun): void {
  if (extendTo === undefined) return;
  throw new UsageError({
    op: "--stages",
    what: `${folder} was begun with other epochs`,
    expected: `${config.epochs}`,
    got: `${extendTo}`,
  });
}
