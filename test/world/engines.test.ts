/**
 * @file One table of bits: a training in eight shards on processes of two makes of MPI, on two versions of Node at once,
 * and on workers of a page, is that of one process. (Threads of Node: threads.test.ts.)
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { node24 } from "../../scripts/run.mjs";
import { sha256Hex } from "../../src/core/sha256.js";
import { withPage } from "../browser/page.js";
import { noChromium, noNode24 } from "../tools.js";
import { MPIS, Ranks } from "./mpi-tools.js";
import { SCENARIOS } from "./scenarios.js";

let ranks: Ranks;
const alone = new Map<string, string>();

beforeAll(async () => {
  ranks = await Ranks.bundle("training-rank.ts");
  for (const [name, scenario] of Object.entries(SCENARIOS)) alone.set(name, await scenario());
});
afterAll(() => ranks.remove());

/** What every rank should print. */
function expected(size: number, scenario: string, carrier = "mpi") {
  const digest = sha256Hex(new TextEncoder().encode(alone.get(scenario)));
  return Array.from({ length: size }, (_, rank) => [rank, size, carrier, digest]);
}

describe.each(MPIS)("$name", (mpi) => {
  const test = it.skipIf(mpi.missing);

  test.each([1, 2, 3, 4])("LeNet-5 on %i ranks", async (size) => {
    expect((await ranks.launch(mpi, size, ["lenet"])).ranks).toEqual(expected(size, "lenet"));
  });
  test("dropout, metrics and weights of examples on 3 ranks", async () => {
    expect((await ranks.launch(mpi, 3, ["dropout"])).ranks).toEqual(expected(3, "dropout"));
  });
  test("six steps of ResNet-20 with batch norms on 2 ranks", async () => {
    expect((await ranks.launch(mpi, 2, ["resnet"])).ranks).toEqual(expected(2, "resnet"));
  });
  it.skipIf(mpi.missing || noNode24)(`Node 24 and Node ${process.versions.node} in one run`, async () => {
    const one = (node: string) => ["-np", "1", node, ranks.file, "lenet"];
    const command = [mpi.command, ...mpi.options, ...one(process.execPath), ":", ...one(node24)];
    expect((await ranks.run(command)).ranks).toEqual(expected(2, "lenet"));
  });
});

describe("without a launcher", () => {
  it("is a world of one", async () => {
    expect((await ranks.run(ranks.program("evaluation"))).ranks).toEqual(expected(1, "evaluation", "alone"));
  });
});

describe.skipIf(noChromium)("in headless Chromium", () => {
  it.each([1, 2])("LeNet-5 on %i workers of a page", async (size) => {
    const folder = mkdtempSync(path.join(tmpdir(), "coarsegrad-browser-ranks-"));
    try {
      const outfile = path.join(folder, "rank.js");
      const world = path.join(folder, "world.js");
      const usual = { bundle: true, format: "esm", target: "es2022", platform: "browser" } as const;
      await build({ ...usual, entryPoints: [path.join(import.meta.dirname, "browser-rank.ts")], outfile });
      await build({
        ...usual,
        entryPoints: [path.join(import.meta.dirname, "../../src/world/index.ts")],
        outfile: world,
      });
      const files = { "rank.js": readFileSync(outfile), "world.js": readFileSync(world) };
      const headers = {
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-embedder-policy": "require-corp",
      };
      const run = `import("/world.js").then(({ shareWorld }) => {
        const shared = shareWorld(${size});
        return Promise.all(Array.from({ length: ${size} }, (_, rank) => new Promise((resolve, reject) => {
          const worker = new Worker("/rank.js", { type: "module" });
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = ({ message }) => reject(new Error(message));
          worker.postMessage({ shared, rank });
        })));
      })`;
      const told = await withPage(files, (page) => page.evaluate(run), { headers });
      expect(told).toEqual(Array.from({ length: size }, () => alone.get("lenet")));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
