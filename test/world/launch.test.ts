/** @file `coarsegrad launch`: a script of one's own on several ranks of one process. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256Hex } from "../../src/core/sha256.js";
import { launchRanks } from "../../src/node/world/launch.js";
import { BUNDLE_VARIABLE } from "../global-setup.js";
import { Ranks } from "./mpi-tools.js";
import { SCENARIOS } from "./scenarios.js";

let ranks: Ranks;
beforeAll(async () => {
  ranks = await Ranks.bundle("training-rank.ts");
});
afterAll(() => ranks.remove());

const launch = (...args: readonly string[]) =>
  ranks.run([process.execPath, process.env[BUNDLE_VARIABLE] as string, "launch", ...args]);

describe("launch", () => {
  it("runs a script on threads, each with its rank and the script's arguments", async () => {
    const { code, ranks: told, stderr } = await launch("--ranks", "3", ranks.file, "dropout");
    expect([code, stderr]).toEqual([0, ""]);
    const alone = sha256Hex(new TextEncoder().encode(await SCENARIOS.dropout()));
    expect(told).toEqual([0, 1, 2].map((rank) => [rank, 3, "threads", alone]));
  });

  it("ends all of them with the error of the first that fails", async () => {
    const script = path.join(path.dirname(ranks.file), "fails.mjs");
    writeFileSync(
      script,
      `import { workerData } from "node:worker_threads";
       if (workerData.coarsegradRank.rank === 1) throw new RangeError("a mistake of the script");
       await import("./rank.mjs");`,
    );
    const { code, stderr } = await launch("--ranks", "2", script, "dropout");
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/launch: rank \d of .*fails\.mjs failed; got .*a mistake of the script/);
  });

  it("refuses a script that is not there, and numbers that are none", async () => {
    await expect(launchRanks("nowhere.mjs", { ranks: 2 })).rejects.toThrow(/nowhere\.mjs/);
    await expect(launchRanks("nowhere.mjs", { ranks: 0 })).rejects.toThrow(/ranks/);
    await expect(launchRanks("nowhere.mjs", {} as never)).rejects.toThrow(/ranks/);
  });
});
