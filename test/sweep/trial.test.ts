/** @file Plans in small: settings that name epochs or images are brought within a trial's. */
import { readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { heldOut } from "../../src/run/loaders.js";
import { checkSettings } from "../../src/run/settings.js";
import { expandPlan, type PlannedSweepRun } from "../../src/sweep/expand.js";
import { parsePlan } from "../../src/sweep/plan.js";
import { trialOf } from "../../src/sweep/trial.js";

const experiments = path.join(import.meta.dirname, "..", "..", "experiments", "cifar10");
const IMAGES = 60_000;

/** Settings of a run that could be trained on so many images. */
const runs = fc
  .record({
    epochs: fc.integer({ min: 1, max: 500 }),
    batch: fc.constantFrom(2, 64, 512),
    limit: fc.option(fc.integer({ min: 3, max: IMAGES })),
    held: fc.double({ min: 0, max: 1, noNaN: true }),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    averages: fc.boolean(),
  })
  .map(({ epochs, batch, limit, held, at, averages }) => {
    const epoch = 1 + Math.floor(at * (epochs - 1));
    const validate = Math.floor(held * ((limit ?? IMAGES) - 2));
    const settings = { bits: "1W4A" as const, epochs, batch, limit, validate, freeze: 0.02, freezeFrom: epoch };
    return { settings: { ...settings, ...(averages && { swa: epoch }) } } as unknown as PlannedSweepRun;
  });

describe("a trial", () => {
  it("is a run that can be trained wherever the run itself can", () => {
    fc.assert(
      fc.property(runs, ({ settings }) => {
        checkSettings(settings);
        const { settings: small } = trialOf({ settings } as PlannedSweepRun);
        checkSettings(small);
        const images = Math.min(IMAGES, small.limit as number);
        expect(small.epochs).toBe(1);
        expect(images).toBeLessThanOrEqual(2 * 512 + 64);
        const apart = heldOut({ validate: small.validate, seed: 1 }, images);
        expect(apart === null).toBe(settings.validate === 0);
        // As many are left to train on as in a trial without, unless the run has fewer itself.
        const whole = Math.min(IMAGES, settings.limit ?? IMAGES);
        const least = Math.min(Math.max(256, 2 * (settings.batch as number)), whole - (settings.validate as number));
        expect(images - (small.validate as number)).toBeGreaterThanOrEqual(least);
      }),
    );
  });

  it.each(["PLAN.json", "STUDY.json"])("is one for every run of %s", (name) => {
    const planned = expandPlan(parsePlan(JSON.parse(readFileSync(path.join(experiments, name), "utf8")), name));
    for (const run of planned) {
      const { settings } = trialOf(run);
      checkSettings(settings);
      expect(() => heldOut({ validate: settings.validate, seed: 1 }, settings.limit as number)).not.toThrow();
    }
  });
});
