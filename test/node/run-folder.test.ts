/** @file Run folders: what is on disk, and that a kill at any moment can be resumed to the same bits. */
import { execFileSync, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DataError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { digits } from "../../src/data/digits.js";
import { mlp } from "../../src/models/mlp.js";
import { RunFolder } from "../../src/node/run/folder.js";
import { missingEpochs } from "../../src/node/run/metrics-file.js";
import { SGD } from "../../src/optim/sgd.js";
import type { Checkpoint } from "../../src/train/checkpoint.js";
import { configHash, stateDigest, weightsDigest } from "../../src/train/digest.js";
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

  it("that somebody removes before the model is written has its weights again", async () => {
    const told: string[] = [];
    const run = await RunFolder.claim(join(root, "run"), { warn: (line) => told.push(line) });
    await run.begin(config);
    const { digest } = await go(run);
    await rm(run.path, { recursive: true });
    await run.writeModel(Uint8Array.of(1));
    expect(told).toEqual([`${run.path} was removed while the run went on: made anew`]);
    const checkpoint = await (await RunFolder.open(run.path)).resume(config);
    expect(stateDigest(checkpoint?.model ?? new Map())).toBe(digest);
    expect(await epochsOnDisk(run)).toEqual([1, 2, 3, 4]);
  });

  it("of an earlier version, without hashes, goes on to the bits of a run of this one", async () => {
    const path = join(root, "before");
    await cp(join(import.meta.dirname, "..", "fixtures", "run-without-hashes"), path, { recursive: true });
    const before = await RunFolder.open(path);
    expect(await before.config()).toEqual(config);
    const { weightsSha256 } = (await before.readJson("summary")) as { weightsSha256: string };
    const checkpoint = await before.resume(config);
    expect(stateDigest(checkpoint?.model ?? new Map())).toBe(weightsSha256);
    const small = async (run: RunFolder, resume?: Checkpoint) => {
      const net = disposeLater(mlp({ sizes: [784, 4, 10], rng: new Rng(1) }));
      const optimizer = disposeLater(new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 }));
      const data = digits({ train: 40, test: 0 }).train;
      await fitNet(net, data, { epochs: 3, batch: 20, optimizer, config, resume, ...run.handlers() });
      return weightsDigest(net);
    };
    const whole = await small(await RunFolder.create(join(root, "whole"), config));
    expect(await small(before, checkpoint ?? undefined)).toBe(whole);
    await expect(before.resume({ ...config, seed: 6 })).rejects.toThrow(/of another configuration/);
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
    await expect(RunFolder.open(join(root, "none"))).rejects.toThrow(
      /none: no such folder; expected the folder of a run, got nothing there/,
    );
    await writeFile(run.file("metrics"), "");
    await writeFile(run.file("checkpoint"), "short");
    await expect((await RunFolder.open(run.path)).resume()).rejects.toThrow(/checkpoint\.safetensors: truncated/);
    await writeFile(run.file("config"), "nonsense");
    await expect(run.config()).rejects.toThrow(/config\.json: is not JSON/);
  });

  it("names both hashes where its configuration was edited or is another's", async () => {
    const run = await RunFolder.create(join(root, "run"), config);
    await go(run, { epochs: 1 });
    await expect(run.resume({ ...config, seed: 6 })).rejects.toThrow(
      new RegExp(`of another configuration.*${configHash({ ...config, seed: 6 })}, got ${configHash(config)}`),
    );
    const written = await readFile(run.file("config"), "utf8");
    await writeFile(run.file("config"), written.replace("5", "6"));
    await expect(run.config()).rejects.toThrow(
      new RegExp(
        `config\\.json: was edited; expected SHA-256 ${configHash(config)}.*got ${configHash({ ...config, seed: 6 })}`,
      ),
    );
    // Earlier versions wrote no hash there.
    await writeFile(run.file("config"), JSON.stringify(config));
    expect(await run.config()).toEqual(config);
    // Missing: the checkpoint knows it.
    await rm(run.file("config"));
    const again = await RunFolder.open(run.path);
    expect(await again.config()).toEqual(config);
    await again.resume(config);
    expect(await readFile(run.file("config"), "utf8")).toBe(written);
  });

  const DAMAGES: [string, (text: string) => string | null, number[]][] = [
    ["removed", () => null, []],
    ["emptied", () => "", []],
    ["an epoch short", (text) => `${text.split("\n").slice(0, 3).join("\n")}\n`, [1, 2, 3]],
    ["cut inside a line", (text) => text.slice(0, -9), [1, 2, 3]],
    ["garbage", () => "\u0000\u00ff{]", []],
    ["garbage in the middle", (text) => text.replace('"epoch":2', '"epoch":[2]'), [1, 3, 4]],
    ["figures of wrong types", (text) => text.replace(/"loss":[^,]*/, '"loss":null'), [2, 3, 4]],
  ];
  it.each(DAMAGES)("whose metrics are %s goes on, and says so", async (_, damage, left) => {
    const run = await RunFolder.create(join(root, "run"), config);
    await go(run);
    const text = damage(await readFile(run.file("metrics"), "utf8"));
    if (text === null) await rm(run.file("metrics"));
    else await writeFile(run.file("metrics"), text);
    const told: string[] = [];
    const again = await RunFolder.open(run.path, { warn: (line) => told.push(line) });
    expect((await again.resume(config))?.epoch).toBe(4);
    expect(again.metrics.map((row) => row.epoch)).toEqual(left);
    expect(await epochsOnDisk(again)).toEqual(left);
    expect(told.at(-1)).toMatch(/metrics\.jsonl: the figures of epoch [1-4].* are lost; the weights are not$/);
  });

  it("is written by one: a later owner in this process takes it over, and the earlier one stops", async () => {
    const first = await RunFolder.create(join(root, "run"), config);
    const second = await RunFolder.create(first.path, config);
    await expect(first.writeSummary({})).rejects.toThrow(/another process took this run over.*process \d+ on/);
    await second.writeSummary({ own: true });
    expect(await second.readJson("summary")).toEqual({ own: true });
    await second.close();
    expect(await readdir(first.path)).not.toContain("run.lock");
  });

  it("of a live process is refused by name, of a dead one, a restarted machine or a number used again it is taken over", async () => {
    const path = join(root, "run");
    await RunFolder.create(path, config).then((run) => run.close());
    const other = spawn(process.execPath, ["-e", "process.stdin.resume()"], { stdio: ["pipe", "ignore", "ignore"] });
    try {
      const pid = other.pid as number;
      const since = new Date().toISOString();
      const lock = (fields: object) =>
        writeFile(join(path, "run.lock"), JSON.stringify({ pid, host: hostname(), since, token: "t", ...fields }));
      await lock({});
      await expect(RunFolder.claim(path)).rejects.toThrow(
        `another process is writing this run; expected one at a time, got process ${pid} on ${hostname()} since ${since}`,
      );
      await expect((await RunFolder.open(path)).resume()).rejects.toThrow(`process ${pid}`);
      await lock({ host: "elsewhere" });
      await expect(RunFolder.claim(path)).rejects.toThrow(/elsewhere.*if it is gone, remove .*run\.lock/);
      const stale: object[] = [{ start: 1 }, { pid: 2 ** 22 + 1 }];
      if (process.platform === "linux") stale.push({ boot: "an earlier one" });
      for (const fields of stale) {
        await lock(fields);
        await (await RunFolder.claim(path)).close();
      }
      await writeFile(join(path, "run.lock"), "{");
      await (await RunFolder.claim(path)).close();
      expect((await readdir(path)).sort()).toEqual(["config.json", "metrics.jsonl"]);
    } finally {
      other.kill("SIGKILL");
    }
  });

  it.skipIf(process.platform === "win32").each<[string, RegExp, (path: string) => unknown]>([
    ["a folder", /got a folder/, (path) => mkdir(join(path, "mine"), { recursive: true })],
    ["a pipe", /got a pipe/, (path) => execFileSync("mkfifo", [path])],
    ["a link that leads nowhere", /got a link/, (path) => symlink("/nowhere/at/all", path)],
    ["a device", /got a link/, (path) => symlink("/dev/zero", path)],
    ["a file that no run writes", /got 70000 bytes/, (path) => writeFile(path, "x".repeat(70_000))],
  ])("under whose lock's name %s stands is refused soon, and it stays", async (_, got, make) => {
    const path = join(root, "run");
    await RunFolder.create(path, config).then((run) => run.close());
    await make(join(path, "run.lock"));
    const claimed = RunFolder.claim(path);
    await expect(claimed).rejects.toThrow(DataError);
    await expect(claimed).rejects.toThrow(/run\.lock: is not the lock of a run; expected a file, /);
    await expect(claimed).rejects.toThrow(got);
    expect(await readdir(path)).toContain("run.lock");
  });

  it.skipIf(process.platform === "win32").each<[string, RegExp, (path: string) => unknown]>([
    ["a pipe", /expected a regular file, got a pipe/, (path) => execFileSync("mkfifo", [path])],
    ["a device", /expected a regular file, got a device/, (path) => symlink("/dev/zero", path)],
    ["a folder", /expected a regular file, got a folder/, (path) => mkdir(path)],
  ])("with %s for its metrics opens, and says so", async (_, told, make) => {
    const run = await RunFolder.create(join(root, "run"), config);
    await run.close();
    await rm(run.file("metrics"));
    await make(run.file("metrics"));
    const warnings: string[] = [];
    const opened = await RunFolder.open(run.path, { warn: (text) => warnings.push(text) });
    expect(opened.metrics).toEqual([]);
    expect(warnings.join()).toMatch(told);
  });

  it("whose checkpoint counts quadrillions of epochs is told of them at once", () => {
    const row = (epoch: number) => ({ epoch }) as Parameters<typeof missingEpochs>[0][number];
    const last = Number.MAX_SAFE_INTEGER;
    expect(missingEpochs([], last)).toBe(`1 to ${last}`);
    expect(missingEpochs([row(2), row(5), row(last)], last)).toBe(`1, 3 to 4, 6 to ${last - 1}`);
    expect(missingEpochs([row(1), row(2), row(3)], 2)).toBeNull();
    expect(missingEpochs([], 0)).toBeNull();
  });

  it("loses temporary files of dead processes, and nothing else", async () => {
    const path = join(root, "run");
    await RunFolder.create(path, config).then((run) => run.close());
    const dead = `.metrics.jsonl.${2 ** 22 + 1}-0123456789ab.tmp`;
    const kept = [`.config.json.${process.ppid}-0123456789ab.tmp`, ".mine.tmp", "notes.tmp", "notes.txt"];
    for (const name of [dead, ...kept]) await writeFile(join(path, name), "");
    await (await RunFolder.claim(path)).close();
    expect((await readdir(path)).sort()).toEqual([...kept, "config.json", "metrics.jsonl"].sort());
  });

  it("cannot be made below a file", async () => {
    await writeFile(join(root, "file"), "");
    await expect(RunFolder.create(join(root, "file", "run"), config)).rejects.toThrow(/cannot be made/);
  });
});
