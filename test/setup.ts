/** @file Runs around every test: afterwards no more arrays may be alive than before, and no scope may be open. */
import { afterEach, beforeEach, expect } from "vitest";
import { memory } from "../src/kernels/index.js";
import { currentScope, scopeDepth } from "../src/memory/index.js";
import { settle } from "./leaks.js";

let before = 0;

beforeEach(() => {
  before = memory().arrays;
});

afterEach(({ task }) => {
  const openScopes = scopeDepth();
  // Whatever happened, the next test starts outside all scopes.
  for (let open = currentScope(); open !== null; open = currentScope()) open.close();
  const { survivors, unchecked } = settle();
  // A test that has failed already says enough.
  if (unchecked || task.result?.state === "fail") return;
  expect(openScopes, "scopes left open by this test").toBe(0);
  const message =
    "arrays that this test left alive; free them with scope(), dispose() or disposeLater() of test/leaks.ts";
  expect(memory().arrays - before, message).toBe(survivors);
});
