/** @file The long random run: its options, its files, its seeds, and what it says of a failure. */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { describe, expect, it } from "vitest";
// @ts-expect-error a script without declarations
import { firstFailure, OptionError, optionsOf, propertyFiles, repeatLine, seedOf } from "../../scripts/random.mjs";
import { root } from "../../scripts/run.mjs";

describe("options", () => {
  it("are read, and have defaults", () => {
    expect(optionsOf(["--rounds", "3", "--seed", "7", "--only", "core"])).toEqual({
      ...{ help: false, rounds: 3, seed: 7, only: "core" },
    });
    const { rounds, seed, only } = optionsOf([]);
    expect([rounds, only]).toEqual([10, ""]);
    expect(Number.isSafeInteger(seed) && seed >= 0 && seed < 2 ** 31).toBe(true);
  });
  it.each([["--round", "3"], ["extra"], ["--rounds", "0"], ["--rounds", "1.5"], ["--seed", "-1"], ["--seed"]])(
    "%s %s are refused",
    (...args) => {
      expect(() => optionsOf(args)).toThrow(OptionError);
    },
  );
  it("that are not understood end with code 2 and the help", () => {
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [path.join(root, "scripts", "random.mjs"), ...args], { encoding: "utf8" });
    expect(run("--help")).toMatchObject({ status: 0, stdout: expect.stringContaining("--rounds N"), stderr: "" });
    expect(run("--fast")).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^random: .*--fast[\s\S]*--rounds N/),
    });
    expect(run("--only", "no such file")).toMatchObject({ status: 2, stderr: expect.stringContaining("no such file") });
  });
});

it("rounds have seeds of their own, which stay 31-bit numbers", () => {
  expect([0, 1, 2].map((round) => seedOf(2 ** 31 - 2, round))).toEqual([2 ** 31 - 2, 2 ** 31 - 1, 0]);
});

it("its files are those with properties", () => {
  const files = propertyFiles("");
  expect(files).toContain("test/ops/selection.test.ts");
  expect(files).not.toContain("test/scripts/mutants.test.ts");
  expect(propertyFiles("ops/sel")).toEqual(["test/ops/selection.test.ts"]);
});

it("the first failure is named with how to repeat it", () => {
  const good = { name: path.join(root, "test/a.test.ts"), status: "passed", message: "", assertionResults: [] };
  const bad = {
    ...{ name: path.join(root, "test/b.test.ts"), status: "failed", message: "" },
    assertionResults: [
      { status: "passed", fullName: "b one" },
      { status: "failed", fullName: "b two", failureMessages: ["Property failed"] },
    ],
  };
  const broken = { ...good, status: "failed", message: "no such module" };
  expect(firstFailure({ testResults: [good] })).toBeNull();
  expect(firstFailure({ testResults: [good, bad] })).toEqual({
    ...{ file: "test/b.test.ts", test: "b two", message: "Property failed" },
  });
  expect(firstFailure({ testResults: [broken] })).toEqual({
    ...{ file: "test/a.test.ts", test: "", message: "no such module" },
  });
  expect(repeatLine(7, "test/b.test.ts")).toBe("COARSEGRAD_SEED=7 npx vitest run test/b.test.ts");
});
