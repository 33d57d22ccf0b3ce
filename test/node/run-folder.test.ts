/** @file Run folders: what is on disk, and that a kill at any moment can be resumed to the same bits. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { digits } from "../../src/data/digits.js";
import { mlp } from "../../src/models/mlp.js";
import { RunFolder } from "../../src/node/run-folder.js";
import { SGD } from "../../src/optim/sgd.js";
import { weightsDigest } from "../../src/train/digest.js";
import { type FitOptions, fit as fitNet } from "../../src/train/fit.js";
import { disposeLater } from "../leaks.js";

const { train } = digits({ train: 60, test: 0 });
const config = { model: "mlp", seed: 5 };
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "coarsegrad-run-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function go(run: RunFolder, options: Partial<FitOptions> = {}) {
  const net = disposeLater(mlp({ sizes: [784, 6, 10], rng: new Rng(1) }));
  const optimizer = disposeLater(new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 }));
  const result = await fitNet(net, train, { epochs: 4, batch: 20, optimizer, config, ...run.handlers(), ...options });
  return { result, digest: weightsDigest(net) };
}

const epochsOnDisk = async (run: RunFolder) =>
  (await readFile(run.file("metrics"), "utf8"))
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line).epoch);

describe("a run folder", () => {
  it("holds configuration, metrics, checkpoint and summary", async () => {
    const run = await RunFolder.create(join(root, "deep", "run"), config);
    const { result } = await go(run);
    await run.writeSummary({ accuracy: 1 });
    const read = await RunFolder.open(run.path);
    expect(await read.config()).toEqual(config);
    expect(read.metrics).toEqual(result.metrics);
    expect(await read.readJson("summary")).toEqual({ accuracy: 1 });
    expect((await read.resume())?.epoch).toBe(4);
    expect(await epochsOnDisk(run)).toEqual([1, 2, 3, 4]);
  });

  // Between metrics and checkpoint of epoch 3 is the worst moment: disk has three lines and the checkpoint of epoch 2.
  it("goes on from a kill between an epoch's metrics and its checkpoint, to the same bits and metrics", async () => {
    const whole = await go(await RunFolder.create(join(root, "whole"), config));
    const run = await RunFolder.create(join(root, "cut"), config);
    const { onEpoch, onCheckpoint } = run.handlers();
    const killed = go(run, {
      onEpoch,
      onCheckpoint: async (bytes, { epoch }) => {
        if (epoch === 3) throw new Error("killed");
        await onCheckpoint(bytes);
      },
    });
    await expect(killed).rejects.toThrow("killed");
    expect(await epochsOnDisk(run)).toEqual([1, 2, 3]);
    const again = await RunFolder.open(run.path);
    const resume = (await again.resume()) ?? undefined;
    expect([resume?.epoch, await epochsOnDisk(again)]).toEqual([2, [1, 2]]);
    const { digest } = await go(again, { resume });
    expect(digest).toBe(whole.digest);
    expect(await epochsOnDisk(again)).toEqual([1, 2, 3, 4]);
  });

  it("that somebody removes while training goes on is made anew, with all metrics", async () => {
    const run = await RunFolder.create(join(root, "run"), config);
    const { onEpoch, onCheckpoint } = run.handlers();
    await go(run, {
      onEpoch: async (metrics) => {
        if (metrics.epoch === 2) await rm(run.path, { recursive: true });
        await onEpoch(metrics);
      },
      onCheckpoint,
    });
    const read = await RunFolder.open(run.path);
    expect(await read.config()).toEqual(config);
    expect((await read.resume())?.epoch).toBe(4);
    expect(await epochsOnDisk(read)).toEqual([1, 2, 3, 4]);
  });

  it("that was killed in its first epoch starts anew", async () => {
    const run = await RunFolder.create(join(root, "run"), config);
    expect(await (await RunFolder.open(run.path)).resume()).toBeNull();
    // Nothing is lost by starting over in the same place.
    await RunFolder.create(run.path, config);
  });

  it("is not overwritten, and damage is named", async () => {
    const run = await RunFolder.create(join(root, "run"), config);
    await go(run, { epochs: 1 });
    await expect(RunFolder.create(run.path, config)).rejects.toThrow(
      /already holds a run.*resume it, or choose another folder/,
    );
    await expect(RunFolder.open(join(root, "none"))).rejects.toThrow(/holds no run; expected config\.json/);
    await writeFile(run.file("metrics"), '{"epoch":1}\n{"epoch":3}\n');
    await expect(RunFolder.open(run.path)).rejects.toThrow(
      /metrics\.jsonl: line 2; expected epoch 2, got \{"epoch":3\}/,
    );
    await writeFile(run.file("metrics"), "{");
    await expect(RunFolder.open(run.path)).rejects.toThrow(/metrics\.jsonl line 1: is not JSON/);
    await writeFile(run.file("metrics"), "");
    await writeFile(run.file("checkpoint"), "short");
    await expect((await RunFolder.open(run.path)).resume()).rejects.toThrow(/checkpoint\.safetensors: truncated/);
    await writeFile(run.file("config"), "nonsense");
    await expect(run.config()).rejects.toThrow(/config\.json: is not JSON/);
  });

  it("cannot be made below a file", async () => {
    await writeFile(join(root, "file"), "");
    await expect(RunFolder.create(join(root, "file", "run"), config)).rejects.toThrow(/cannot be made/);
  });
});
