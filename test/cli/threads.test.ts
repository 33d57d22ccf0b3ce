/** @file The --threads option. */
import { afterEach, describe, expect, it } from "vitest";
import { startThreads, threadNumber as threadKind } from "../../src/cli/options/threads.js";
import { init } from "../../src/kernels/index.js";
import { UsageError } from "../../src/run/usage-error.js";

afterEach(() => void init());

const threadNumber = (text: string) => threadKind.read(text, "--threads");

describe("--threads", () => {
  it("reads numbers and auto", () => {
    expect([threadNumber("1"), threadNumber("12"), threadNumber("auto")]).toEqual([1, 12, "auto"]);
  });

  it.each(["0", "65", "-2", "1.5", "all", ""])("refuses %j", (text) => {
    expect(() => threadNumber(text)).toThrow(UsageError);
    expect(() => threadNumber(text)).toThrow(/--threads/);
  });

  it("starts as many as it says", async () => {
    expect(await startThreads({ threads: 1 })).toBe(1);
    expect(await startThreads({ threads: 3 })).toBe(3);
  });
});
