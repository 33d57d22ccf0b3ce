/** @file The checks of the formulas have teeth: every constant of every formula, 1 % off, is caught. */
import { expect, it } from "vitest";
import type { Pair } from "./cases.js";
import { monteCarloOffences, quantizedOffences, relationOffences, spuriousOffences } from "./formulas.js";
import { eachMutant, MUTATIONS, type Mutation } from "./mutants.js";

/** Few cases with many samples: what 1 % of one term needs. Chosen so that every term matters in one of them. */
const CASES: readonly Pair[] = [
  { student: { v: [2], w: [0.2, 0.4] }, teacher: { v: [-1.5], w: [1, -0.3] } },
  { student: { v: [1, 1.5], w: [1.5, 0.5] }, teacher: { v: [1.4, 1], w: [0.2, 1] } },
  { student: { v: [0.1, 0.2], w: [-1.5, 0.5] }, teacher: { v: [1.4, 1], w: [1, 0.2] } },
  { student: { v: [1.4, -1.2], w: [0.8] }, teacher: { v: [1.5, -1.4], w: [1] } },
];
const SAMPLES = 700_000;

it("no check objects to the formulas, and each mutant meets an objection that does not lean on its neighbours", async () => {
  const survivors: Mutation[] = [];
  let checked = 0;
  await eachMutant([null, ...MUTATIONS], (mutation, formulas) => {
    const statistical = CASES.flatMap((pair) => monteCarloOffences(formulas, pair, SAMPLES));
    const exact = CASES.slice(0, 3).flatMap((pair) => [
      ...relationOffences(formulas, pair),
      ...quantizedOffences(formulas, pair, 2),
      ...spuriousOffences(formulas, pair),
    ]);
    checked++;
    if (mutation === null) expect([...statistical, ...exact]).toEqual([]);
    // What Monte Carlo can see, it has to see by itself; the rest are derivatives and products, which are exact.
    else if ((SEEN_BY_SAMPLES.test(mutation.from) ? statistical : [...statistical, ...exact]).length === 0) {
      survivors.push(mutation);
    }
  });
  expect(checked).toBe(MUTATIONS.length + 1);
  expect(survivors).toEqual([]);
  // Ten seconds where nothing else runs.
}, 300_000);

/** Formulas of f, ∂f/∂v and E[g]: their constants. */
const SEEN_BY_SAMPLES =
  /^return 0\.125|^0\.25|^- 0\.25|^const (?:h|pull|radial|square|mean|overlap|cross) |^along|^across|^[-+] |^radial/;
