/** @file Settings as words: what is written is read again, on the command line too, to the same settings. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { command } from "../../src/cli/options/command.js";
import { chosenSettings, trainOptions } from "../../src/cli/options/train.js";
import { isDatasetName } from "../../src/data/registry.js";
import type { Settings } from "../../src/run/config.js";
import { optionOf } from "../../src/run/field.js";
import { fields } from "../../src/run/fields.js";
import { optionWords } from "../../src/run/settings.js";

/** Numbers that are written in more than one way: round ones, tiny ones, those of many digits. */
const numbers = fc.oneof(
  fc
    .tuple(fc.integer({ min: 0, max: 99 }), fc.integer({ min: -9, max: 13 }))
    .map(([n, power]) => Number(`${n}e${power}`)),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value)),
  fc.maxSafeInteger(),
);

const table = fields();

const widths = fc.constantFrom(1, 2, 3, 4, 5, 6, 7, 8, 32);

/** Values of every kind there is; each setting takes of them what its rule takes. */
const values = fc.oneof(
  { weight: 4, arbitrary: numbers },
  fc.constantFrom<unknown>(true, null, "first.onnx", "imagefolder:some pictures", "-file", "a b", "1e3"),
  fc.array(fc.constantFrom("first", "last", "layer1.2", "1"), { maxLength: 3 }),
  fc.record({ weights: widths, activations: widths }),
  fc.record({
    name: fc.constantFrom("step"),
    every: fc.integer({ min: 1, max: 1e6 }),
    gamma: fc.constantFrom(0.1, 1e-5),
  }),
  fc.record({
    name: fc.constant("multistep"),
    milestones: fc.uniqueArray(fc.integer({ min: 1, max: 1e5 }), { minLength: 1 }),
  }),
  fc.record({ name: fc.constant("cosine-restarts"), period: fc.constantFrom(1, 20000), mult: fc.constantFrom(1, 2) }),
  fc.constantFrom<unknown>({ name: "constant" }, { name: "onecycle" }, { name: "cosine", min: 1e-5 }),
  // Means and as many deviations above 0; now and then one too many.
  fc
    .tuple(fc.array(fc.tuple(numbers, numbers), { minLength: 1, maxLength: 3 }), fc.integer({ min: 0, max: 9 }))
    .map(([pairs, which]) => ({
      mean: pairs.map(([mean]) => mean),
      std: [...pairs.map(([, std]) => Math.abs(std) || 1), ...(which === 0 ? [1] : [])],
    })),
);

/** Of these there is one for every kind, whatever is drawn beside them. */
const USUAL: readonly unknown[] = [20000, 0.00001, 0.5, 60, 1, "digits", ["first"], { mean: [0.5], std: [0.25] }];

/** Whether a setting takes it: its rule, and for names of images, of which a library's user has others, its option. */
function takes([key, { kind }]: (typeof table)[number], value: unknown): boolean {
  return (
    kind.rule(value) === null && (key !== "data" || isDatasetName(`${value}`) || `${value}`.startsWith("imagefolder:"))
  );
}

/** The words that a choice takes are those that its rule names. */
const wordsOf = (expected: string | null): readonly string[] => (expected ?? "").split(", ");

describe("settings as words", () => {
  const valued = table.filter(([, { flags }]) => flags.includes(" "));
  it.each(valued.map(([key, field]) => [key, field] as const))("%s is read as it was written", (key, field) => {
    const { kind, flags } = field;
    let taken = 0;
    const all = fc.oneof(values, fc.constantFrom(...wordsOf(kind.rule({ none: "such" }))));
    fc.assert(
      fc.property(all, (value) => {
        if (!takes([key, field], value) || value === null || value === true) return;
        taken++;
        expect(kind.read(kind.write(value), optionOf({ flags }))).toEqual(value);
      }),
      { numRuns: 300, examples: USUAL.map((value) => [value]) },
    );
    expect(taken, "values that the rule takes").toBeGreaterThan(0);
  });

  it("are the same settings on the command line", () => {
    const records = fc.array(fc.tuple(fc.constantFrom(...table), values), { maxLength: 12 });
    const kinds = new Map<string, (typeof table)[number][1]["kind"]>(table.map(([key, { kind }]) => [key, kind]));
    fc.assert(
      fc.property(records, (chosen) => {
        const taken = chosen.filter(([row, value]) => takes(row, value));
        const settings = Object.fromEntries(taken.map(([[key], value]) => [key, value])) as Settings;
        const made = trainOptions(command({ name: "train", summary: "", description: "", examples: [] }));
        // Where no word says null, as "none" does for normalizations, it is left out.
        const said = Object.fromEntries(
          Object.entries(settings).filter(([key, value]) => value !== null || kinds.get(key)?.write(null) !== ""),
        );
        expect(chosenSettings(made.parse(optionWords(settings), { from: "user" }))).toEqual(said);
      }),
      { numRuns: 200, examples: [[[[table.find(([key]) => key === "limit") as (typeof table)[number], 20000]]]] },
    );
  });
});
