/** @file Ranks that are threads: the same bits with any number of them, and an end with a reason when one is lost. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Worker } from "node:worker_threads";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { abortWorld, type SharedWorld, shareWorld, threadWorld } from "../../src/world/threads.js";
import type { RankTask } from "./rank.js";
import { lenet, SCENARIOS } from "./scenarios.js";

let folder = "";
let bundle = "";

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "coarsegrad-ranks-"));
  bundle = path.join(folder, "rank.mjs");
  const entryPoints = [path.join(import.meta.dirname, "rank.ts")];
  await build({ entryPoints, outfile: bundle, bundle: true, format: "esm", target: "es2022", platform: "node" });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Said {
  readonly result?: string;
  readonly error?: string;
}

/** One rank; whoever is lost without a word ends the world, as launchers do. */
function start(shared: SharedWorld, task: Omit<RankTask, "shared">): Promise<Said> {
  return new Promise((resolve) => {
    const worker = new Worker(bundle, { workerData: { shared, ...task } satisfies RankTask });
    worker.on("message", (said: Said) => {
      resolve(said);
      void worker.terminate();
    });
    worker.on("exit", (code) => {
      abortWorld(shared, new Error(`it ended with code ${code}`), task.rank);
      resolve({ error: `ended with code ${code}` });
    });
  });
}

function ranks(size: number, task: Omit<RankTask, "shared" | "rank">, limitSeconds = 60): Promise<Said[]> {
  const shared = shareWorld(size, { limitSeconds });
  const { mishap, ...usual } = task;
  return Promise.all(
    Array.from({ length: size }, (_, rank) => start(shared, { rank, ...usual, ...(rank === 1 && { mishap }) })),
  );
}

describe("ranks that are threads", () => {
  it.each(["lenet", "dropout", "resnet", "evaluation"] as const)(
    "%s: the bits of one process",
    async (scenario) => {
      const alone = await SCENARIOS[scenario]();
      for (const size of scenario === "lenet" ? [1, 2, 3, 4, 8] : [2, 3]) {
        const said = await ranks(size, { scenario });
        expect(said).toEqual(said.map(() => ({ result: alone })));
      }
    },
    120_000,
  );

  it("has results that depend on the shards", async () => {
    const all = await Promise.all([1, 2, 4].map((shards) => lenet(undefined, shards)));
    expect(new Set(all.map((text) => text.slice(0, 64))).size).toBe(3);
  });

  it.each([
    ["throws", /rank 1 ended the run: a rank's own error/],
    ["exits", /rank 1 ended the run: it ended with code 3/],
    ["freezes", /rank 1 does not answer/],
    ["other call", /rank \d does something else than rank \d; .*close of 0/],
    ["other length", /does something else than rank/],
  ] as const)("ends on every rank when one %s", async (mishap, message) => {
    const shared = shareWorld(3, { limitSeconds: mishap === "freezes" ? 1 : 30 });
    const workers: Worker[] = [];
    const said = await Promise.all(
      [0, 1, 2].map(
        (rank) =>
          new Promise<Said>((resolve) => {
            const task: RankTask = { shared, rank, scenario: "lenet", ...(rank === 1 && { mishap }) };
            const worker = new Worker(bundle, { workerData: task });
            workers.push(worker);
            worker.on("message", resolve);
            worker.on("exit", (code) => {
              abortWorld(shared, new Error(`it ended with code ${code}`), rank);
              resolve({ error: "" });
            });
            // It never says anything: the others end all the same.
            if (rank === 1 && mishap === "freezes") resolve({ error: "" });
          }),
      ),
    );
    await Promise.all(workers.map((worker) => worker.terminate()));
    for (const rank of [0, 2]) expect(said[rank].error).toMatch(message);
  });

  it("refuses bad sizes and ranks", () => {
    for (const size of [0, 1.5, -1, 5000]) expect(() => shareWorld(size)).toThrow(/size/);
    expect(() => shareWorld(2, { limitSeconds: -1 })).toThrow(/limitSeconds/);
    expect(() => threadWorld(shareWorld(2), 2)).toThrow(/rank/);
  });
});
