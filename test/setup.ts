/**
 * @file Runs around every test: afterwards no more arrays may be alive than before, no scope and no file may be open;
 * after the last test of a file no thread, socket, server or child process either.
 */
import fc from "fast-check";
import { afterAll, afterEach, beforeEach, expect } from "vitest";
import { manualSeed } from "../src/autograd/random.js";
import { heap, memory } from "../src/kernels/index.js";
import { currentScope, scopeDepth } from "../src/memory/index.js";
import { filesSince, opened, openedSince, openFiles } from "./handles.js";
import { patience, settle } from "./leaks.js";

// Every property of a run draws its cases from one seed, which `npm test` prints: fixed in CI, so that a red run is red
// again; another one each time elsewhere. Without `npm test` around it, COARSEGRAD_SEED repeats a run.
const seed = Number(process.env.COARSEGRAD_SEED || Number.NaN);
if (Number.isSafeInteger(seed)) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });

/** Weights and dropout too are drawn from it, in every test from its start: files share a worker, in any order. */
function reseed(): void {
  if (Number.isSafeInteger(seed)) manualSeed(seed);
}
reseed();

let before = { arrays: 0, bytes: 0, heap: heapNow(), files: openFiles() };
const atStart = opened();

beforeEach(() => {
  reseed();
  before = { arrays: memory().arrays, bytes: memory().bytes, heap: heapNow(), files: openFiles() };
});

/** The heap that runs now, or null: asking must not start one. */
function heapNow(): unknown {
  return memory().reservedBytes === 0 ? null : heap();
}

afterEach(async ({ task }) => {
  const openScopes = scopeDepth();
  // Whatever happened, the next test starts outside all scopes.
  for (let open = currentScope(); open !== null; open = currentScope()) open.close();
  const { survivors, unchecked } = settle();
  // A test that has failed already says enough.
  if (unchecked || task.result?.state === "fail") return;
  expect(await filesSince(before.files, patience()), "files left open by this test").toEqual([]);
  expect(openScopes, "scopes left open by this test").toBe(0);
  const message =
    "arrays that this test left alive; free them with scope(), dispose() or disposeLater() of test/leaks.ts";
  expect(memory().arrays - before.arrays, message).toBe(survivors);
  // Blocks of the heap that no array holds (scratch of threads, constants of sessions) are not arrays. Another engine
  // has other blocks.
  if (survivors === 0 && before.heap === heapNow()) {
    expect(memory().bytes - before.bytes, "bytes of the heap that this test left in use").toBeLessThanOrEqual(0);
  }
});

// Hooks of a file run before those of its set-up: this is the last of them.
afterAll(async () => {
  const left = await openedSince(atStart);
  expect(left, "left open by this file's tests: end threads with init(), close what was opened").toEqual([]);
});
