/** @file What a run's summary notes of verifications: the one that tells most of the packed file. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { recordVerification } from "../../src/node/run/summary-file.js";

let folder: string;
let packed: Uint8Array;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "coarsegrad-summary-"));
  await cp("experiments/lenet5-mnist-1w4a", folder, { recursive: true });
  packed = new Uint8Array(await readFile(join(folder, "model.cgm")));
});
afterEach(() => rm(folder, { recursive: true }));

type Codes = readonly [compared: number, equal: number];
const summary = async () => JSON.parse(await readFile(join(folder, "summary.json"), "utf8"));
const warned = (text: string): never => {
  throw new Error(text);
};

/** Has a summary with one verification, or none. */
async function noted(codes: Codes | null): Promise<void> {
  const whole = await summary();
  const { codesCompared: _, codesEqual: __, ...own } = whole.packed;
  const note = codes === null ? {} : { codesCompared: codes[0], codesEqual: codes[1] };
  await writeFile(join(folder, "summary.json"), JSON.stringify({ ...whole, packed: { ...own, ...note } }));
}

/** What it says after another. */
async function after([total, equal]: Codes, bytes = packed): Promise<unknown[]> {
  await recordVerification(folder, bytes, { total, equal }, warned);
  const { codesCompared, codesEqual } = (await summary()).packed;
  return [codesCompared, codesEqual];
}

it.each<[before: Codes | null, now: Codes, then: Codes]>([
  [null, [10, 10], [10, 10]],
  [null, [10, 9], [10, 9]],
  [
    [10, 10],
    [100, 100],
    [100, 100],
  ],
  // One of fewer images tells nothing new,
  [
    [100, 100],
    [10, 10],
    [100, 100],
  ],
  // but for a first difference.
  [
    [100, 100],
    [10, 9],
    [10, 9],
  ],
  [
    [100, 99],
    [10, 10],
    [100, 99],
  ],
  [
    [100, 99],
    [10, 9],
    [100, 99],
  ],
  // Of as many, or more, the last one counts.
  [
    [100, 99],
    [100, 100],
    [100, 100],
  ],
  [
    [10, 9],
    [100, 100],
    [100, 100],
  ],
])("%j, then %j: notes %j", async (before, now, then) => {
  await noted(before);
  expect(await after(now)).toEqual(then);
});

it("not of another packed file", async () => {
  await noted([100, 100]);
  expect(await after([1000, 999], Uint8Array.of(...packed, 0))).toEqual([100, 100]);
});
