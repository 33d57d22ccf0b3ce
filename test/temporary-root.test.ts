/**
 * @file The folder of a run's temporary files: those of killed runs go, those of live ones stay; what tests leave is
 * named.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { leftBehind, sweep } from "./temporary-root.js";

it("sweeps what killed runs left, and nothing else", () => {
  const place = mkdtempSync(path.join(tmpdir(), "sweep-"));
  // No process has the largest number that Linux gives.
  const names = [
    `coarsegrad-tests-${2 ** 22 + 1}`,
    `coarsegrad-tests-${process.pid}`,
    "coarsegrad-tests-mine",
    "other",
  ];
  for (const name of names) mkdirSync(path.join(place, name, "inside"), { recursive: true });
  sweep(place);
  expect(names.map((name) => existsSync(path.join(place, name)))).toEqual([false, true, true, true]);
  rmSync(place, { recursive: true });
});

it("names what is left behind", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "coarsegrad-left-"));
  const name = path.basename(folder);
  expect(leftBehind([])).toContain(name);
  expect(leftBehind([name])).not.toContain(name);
  rmSync(folder, { recursive: true });
  expect(leftBehind([])).not.toContain(name);
});
