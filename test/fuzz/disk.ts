/**
 * @file Runs on disks that fail at every change in turn: nothing is lost, nothing is mixed, and what goes on ends with
 * the same bits.
 */
import { existsSync } from "node:fs";
import { cp, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CoarsegradError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { digits } from "../../src/data/digits.js";
import { mlp } from "../../src/models/mlp.js";
import { RunFolder } from "../../src/node/run/folder.js";
import { SGD } from "../../src/optim/sgd.js";
import { stateDigest, weightsDigest } from "../../src/train/digest.js";
import { fit as fitNet } from "../../src/train/fit.js";
import { type Fault, onFaultyDisk } from "./faulty-disk.js";

const EPOCHS = 2;
const { train } = digits({ train: 40, test: 0 });

interface Config {
  readonly seed: number;
}

/** Trains to the end, on from whatever the folder holds of this configuration. @returns the digest of the weights */
async function go(run: RunFolder, config: Config, resumed: boolean): Promise<string> {
  const net = mlp({ sizes: [784, 4, 10], rng: new Rng(config.seed) });
  const optimizer = new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 });
  try {
    const resume = (resumed ? await run.resume(config) : null) ?? undefined;
    if (!resumed) await run.begin(config);
    await fitNet(net, train, { epochs: EPOCHS, batch: 20, optimizer, config, resume, ...run.handlers() });
    await run.writeModel(Uint8Array.of(config.seed));
    await run.writeSummary({ seed: config.seed, weights: weightsDigest(net) });
    return weightsDigest(net);
  } finally {
    optimizer.dispose();
    net.dispose();
  }
}

async function start(path: string, config: Config): Promise<string> {
  const run = await RunFolder.claim(path);
  try {
    return await go(run, config, false);
  } finally {
    await run.close();
  }
}

async function goOn(path: string): Promise<{ config: Config; digest: string }> {
  const run = await RunFolder.open(path);
  try {
    const config = (await run.config()) as Config;
    return { config, digest: await go(run, config, true) };
  } finally {
    await run.close();
  }
}

/** One kind of fault at one change. */
export interface DiskCase {
  readonly scenario: "new" | "replace" | "resume";
  readonly fault: Fault;
  readonly at: number;
}

/** A place to try disks in, and what runs end with on a good one. */
export class DiskBench {
  readonly root: string;
  readonly #digests = new Map<number, string>();

  private constructor(root: string) {
    this.root = root;
  }
  static async open(): Promise<DiskBench> {
    const bench = new DiskBench(await mkdtemp(join(tmpdir(), "coarsegrad-disk-")));
    for (const seed of [1, 2]) bench.#digests.set(seed, await start(join(bench.root, `${seed}`), { seed }));
    return bench;
  }
  close(): Promise<void> {
    return rm(this.root, { recursive: true, force: true });
  }

  /**
   * Tries one case, then goes on as a user would, and looks at what is left.
   *
   * @returns whether the fault was reached
   * @throws Error that says what was lost or mixed
   */
  async try({ scenario, fault, at }: DiskCase): Promise<boolean> {
    const path = join(this.root, "run");
    const what = `${scenario}, ${fault} at change ${at}`;
    const ensure = (holds: boolean, text: string): void => {
      if (!holds) throw new Error(`${what}: ${text}`);
    };
    await rm(path, { recursive: true, force: true });
    if (scenario !== "new") await cp(join(this.root, "1"), path, { recursive: true });
    if (scenario === "resume") {
      // As after a kill in the last epoch's test.
      await rm(join(path, "summary.json"));
    }
    const config = { seed: scenario === "resume" ? 1 : 2 };
    const { changes, error } = await onFaultyDisk(at, fault, () =>
      scenario === "resume" ? goOn(path) : start(path, config),
    );
    if (changes < at) {
      ensure(error === null, `failed without a fault: ${error}`);
      return false;
    }
    // The process that "died" is this one, which still runs: what it left gets the number of one that cannot.
    for (const name of await readdir(path).catch(() => [])) {
      await rename(join(path, name), join(path, name.replace(`.${process.pid}-`, `.${2 ** 22 + 1}-`)));
    }
    // A fault in what is only tidied up, such as the flush of a folder that was removed, need not be an error.
    ensure(error === null || error instanceof CoarsegradError, `not an error of the library: ${error}`);
    if (scenario === "replace") {
      ensure(await RunFolder.holdsRun(path), "neither the old run nor the new one is there");
      const run = await RunFolder.open(path);
      const checkpoint = await run.resume(await run.config());
      if (checkpoint === null) throw new Error(`${what}: no checkpoint`);
      const { seed } = checkpoint.config as Config;
      if (seed === 1) {
        ensure(stateDigest(checkpoint.model) === this.#digests.get(1), "the old weights changed");
        ensure(existsSync(run.file("summary")) && existsSync(run.file("model")), "the old run lost a file");
      }
      if (seed === 2 && existsSync(run.file("summary"))) {
        ensure(((await run.readJson("summary")) as Config).seed === 2, "the old summary beside the new weights");
      }
      await run.close();
    }
    if (await RunFolder.holdsRun(path)) {
      const { config: own, digest } = await goOn(path);
      ensure(digest === this.#digests.get(own.seed), "the run that went on ended with other weights");
      ensure(scenario !== "new" || own.seed === 2, "another run");
    }
    ensure((await start(path, config)) === this.#digests.get(config.seed), "replacing it gave other weights");
    const left = await readdir(path);
    const own = ["checkpoint.safetensors", "config.json", "metrics.jsonl", "model.cgm", "summary.json"];
    ensure(left.sort().join() === own.join(), `left over: ${left.join(", ")}`);
    return true;
  }
}

/**
 * Random cases.
 *
 * @returns how many reached their fault
 * @throws Error naming the first case that lost or mixed a run
 */
export async function run(count: number, seed: number): Promise<number> {
  const rng = new Rng(seed);
  const bench = await DiskBench.open();
  let reached = 0;
  try {
    for (let n = 0; n < count; n++) {
      const scenario = (["new", "replace", "resume"] as const)[rng.u32() % 3];
      const fault = (["full", "dead"] as const)[rng.u32() % 2];
      if (await bench.try({ scenario, fault, at: 1 + (rng.u32() % 60) })) reached++;
    }
  } finally {
    await bench.close();
  }
  return reached;
}
