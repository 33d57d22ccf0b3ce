/** @file A run that goes on to more epochs: which bits it has, what its record says, and what a kill on the way leaves. */
import { cpSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readRunMessage, writeRunMessage } from "../../src/node/world/run-message.js";
import { createRun, parseConfig } from "../../src/run/index.js";
import { loadCheckpoint } from "../../src/train/checkpoint.js";
import { configHash } from "../../src/train/digest.js";
import { appears, outcomeOf, Workbench } from "./run.js";

interface Summary {
  run: string;
  epochs: number;
  extended?: { at: number; epochs: number }[];
  validation?: { top1: number };
  weightsSha256: string;
  command: string;
  imagesPerSecond: number;
}

const SMALL = "--model mlp --limit 192 --test-limit 64 --batch 32 --threads 1".split(" ");
const CONSTANT = ["--schedule", "constant"];
let bench: Workbench;
const train = (...args: string[]) => bench.json<Summary>("train", ...args);
const json = (...parts: string[]) => JSON.parse(readFileSync(bench.file(...parts), "utf8"));
const epochsOf = (run: string) =>
  readFileSync(bench.file(run, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { epoch: number; lr: number }).epoch);
const rates = (run: string) =>
  readFileSync(bench.file(run, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { lr: number }).lr);

let short: Summary;
let whole: Summary;
beforeAll(async () => {
  bench = await Workbench.open();
  short = await train(...SMALL, ...CONSTANT, "--epochs", "2", "--out", "short");
  whole = await train(...SMALL, ...CONSTANT, "--epochs", "4", "--out", "whole");
});
afterAll(() => bench?.close());

describe("train --resume RUN --epochs MORE", () => {
  it("ends with the bits of a run of so many epochs, where the schedule does not depend on their number", async () => {
    cpSync(bench.file("short"), bench.file("longer"), { recursive: true });
    const longer = await train("--resume", "longer", "--epochs", "4");
    expect(longer).toMatchObject({ run: "longer", epochs: 4, weightsSha256: whole.weightsSha256 });
    expect(longer.weightsSha256).not.toBe(short.weightsSha256);
    expect(epochsOf("longer")).toEqual([1, 2, 3, 4]);
  });

  it("records that it was extended: configuration, command and summary", async () => {
    const config = json("longer", "config.json");
    expect(config).toMatchObject({ epochs: 4, extended: [{ at: 2, epochs: 2 }] });
    expect(config.command).toBe(
      `${json("short", "config.json").command} && npx coarsegrad train --resume longer --epochs 4`,
    );
    expect(json("longer", "summary.json").extended).toEqual([{ at: 2, epochs: 2 }]);
    expect(json("whole", "summary.json").extended).toBeUndefined();
    const { stdout } = await bench.run("train", "--resume", "longer");
    expect(stdout).toMatch(/^training +4 epochs, extended after 2 of 2, in /m);
    expect((await bench.json<{ runs: string[] }>("report", "longer")).runs).toEqual(["longer"]);
    expect(readFileSync(bench.file("longer", "report.html"), "utf8")).toContain("after 2 of 2 epochs");
  });

  it.each([
    ["float, one cycle", []],
    ["quantized", ["--bits", "2W4A"]],
  ])("leaves a configuration that decides the result by itself: %s", async (_, settings) => {
    const out = `cycle-${settings.length}`;
    await train(...SMALL, ...settings, "--epochs", "2", "--out", out);
    const before = rates(out);
    const first = await train("--resume", out, "--epochs", "3", ...settings);
    const twice = await train("--resume", out, "--epochs", "5");
    expect(twice.weightsSha256).not.toBe(first.weightsSha256);
    const config = json(out, "config.json");
    expect(config.extended).toEqual([
      { at: 2, epochs: 2 },
      { at: 3, epochs: 3 },
    ]);
    // One cycle had come to its end; the longer one stands where it would have been, had it begun so.
    const after = rates(out);
    expect(after.slice(0, 2)).toEqual(before);
    expect(after[3]).toBeGreaterThan(after[2]);
    const { command: _command, configSha256: _sha, ...own } = config;
    const again = await createRun(parseConfig(own));
    expect(again).toMatchObject({ epochs: 5, weightsSha256: twice.weightsSha256 });
    expect(again.metrics.map((row) => row.lr)).toEqual(after);
  });

  it("has the same bits on any number of ranks, held-out images too", async () => {
    const shards = ["--shards", "4", "--validate", "32", "--bits", "2W4A"];
    const shas = new Set<string>();
    const figures = new Set<number | undefined>();
    for (const ranks of ["1", "2"]) {
      const out = `ranks-${ranks}`;
      await bench.childJson("train", ...SMALL, ...shards, "--epochs", "1", "--ranks", ranks, "--out", out);
      const longer = await bench.childJson<Summary>("train", "--resume", out, "--epochs", "3", "--ranks", ranks);
      shas.add(longer.weightsSha256);
      figures.add(longer.validation?.top1);
    }
    expect([shas.size, figures.size]).toEqual([1, 1]);
    expect([...figures][0]).toBeGreaterThan(0);
  });

  it("completes the epoch that a run was stopped within on its own schedule", async () => {
    const args = [...SMALL, "--limit", "2000", "--epochs", "2", "--schedule", "cosine"];
    const shas: string[] = [];
    await train(...args, "--out", "uncut");
    shas.push((await bench.json<Summary>("train", "--resume", "uncut", "--epochs", "3")).weightsSha256);
    const kept = () => loadCheckpoint(new Uint8Array(readFileSync(bench.file("within", "checkpoint.safetensors"))));
    const child = bench.start("train", ...args, "--checkpoint-every", "1", "--out", "within");
    await appears(bench.file("within", "checkpoint.safetensors"));
    for (let waited = 0; kept().epoch < 1 || kept().partial === undefined; waited += 20) {
      expect(waited).toBeLessThan(60_000);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    child.kill("SIGINT");
    expect((await outcomeOf(child)).code).toBe(130);
    expect([kept().epoch, kept().partial === undefined]).toEqual([1, false]);
    shas.push((await bench.json<Summary>("train", "--resume", "within", "--epochs", "3")).weightsSha256);
    expect(json("within", "config.json").extended).toEqual([{ at: 2, epochs: 2 }]);
    expect(json("within", "config.json").extended).toEqual(json("uncut", "config.json").extended);
    expect(shas[1]).toBe(shas[0]);
  });

  it("goes on from where a run was stopped, too", async () => {
    cpSync(bench.file("cycle-0"), bench.file("stopped"), { recursive: true });
    const child = bench.start("train", ...SMALL, "--epochs", "300", "--schedule", "cosine", "--out", "cut");
    await appears(bench.file("cut", "checkpoint.safetensors"));
    child.kill("SIGINT");
    expect((await outcomeOf(child)).code).toBe(130);
    const done = epochsOf("cut").length;
    const child2 = bench.start("train", "--resume", "cut", "--epochs", "400");
    const stoppedAt = done + 1;
    for (let waited = 0; epochsOf("cut").length < stoppedAt && waited < 30_000; waited += 20)
      await new Promise((resolve) => setTimeout(resolve, 20));
    child2.kill("SIGINT");
    expect((await outcomeOf(child2)).stderr).toMatch(/stopped after \d+ of 400 epochs; go on with: coarsegrad train/);
    const { at } = json("cut", "config.json").extended[0];
    expect(json("cut", "config.json")).toMatchObject({ epochs: 400, extended: [{ at, epochs: 300 }] });
    // The epoch that it was stopped within ends first.
    expect([done, done + 1]).toContain(at);
  });

  it("leaves the run as it was until one epoch more is complete", async () => {
    cpSync(bench.file("short"), bench.file("kept"), { recursive: true });
    const before = readFileSync(bench.file("kept", "checkpoint.safetensors"));
    const failed = await bench.run(
      "train",
      "--resume",
      "kept",
      "--epochs",
      "3",
      "--max-pixels",
      "1",
      "--workers",
      "17",
    );
    expect(failed.code).toBe(2);
    const other = await bench.run("train", "--resume", "kept", "--epochs", "4", "--lr", "0.5");
    expect(other.stderr).toMatch(/--resume: the run was started with other settings; expected lr 0\.05, got lr 0\.5;/);
    expect(readFileSync(bench.file("kept", "checkpoint.safetensors"))).toEqual(before);
    expect(json("kept", "config.json")).toEqual(json("short", "config.json"));
    expect(json("kept", "summary.json")).toEqual(json("short", "summary.json"));
  });

  it("is refused by name where it makes the run shorter, or cannot be", async () => {
    const refused = async (...args: string[]) => {
      const { code, stderr } = await bench.run("train", ...args);
      expect(code).toBe(2);
      return stderr;
    };
    expect(await refused("--resume", "whole", "--epochs", "3")).toBe(
      "coarsegrad: --epochs: a run is not made shorter; expected more than its 4 epochs, got 3\n",
    );
    const relax = ["--bits", "2W4A", "--method", "relax"];
    await train(...SMALL, ...relax, "--epochs", "1", "--out", "relaxed");
    expect(await refused("--resume", "relaxed", "--epochs", "2")).toMatch(/a run with --method relax is not extended/);
    await train(...SMALL, "--bits", "2W4A", "--method", "ptq", "--init", "whole", "--out", "ptq");
    expect(await refused("--resume", "ptq", "--epochs", "2")).toMatch(/--epochs 2: .* expected none with --method ptq/);
    expect(json("relaxed", "config.json").extended).toBeUndefined();
  });

  it("trains a network of no epochs as if it had been asked to", async () => {
    await train(...SMALL, ...CONSTANT, "--epochs", "0", "--out", "none");
    const longer = await train("--resume", "none", "--epochs", "2");
    expect(longer.weightsSha256).toBe(short.weightsSha256);
    expect(json("none", "config.json")).toEqual({
      ...json("short", "config.json"),
      command: expect.any(String),
      configSha256: expect.any(String),
    });
  });
});

describe("the message of rank 0", () => {
  it("has the checkpoint taken up as one of the extended configuration", () => {
    const checkpoint = new Uint8Array(readFileSync(bench.file("short", "checkpoint.safetensors")));
    const { command: _command, configSha256: _sha, ...own } = json("short", "config.json");
    const config = parseConfig({ ...own, epochs: 3, extended: [{ at: 2, epochs: 2 }] });
    const read = readRunMessage(writeRunMessage({ config, checkpoint }));
    expect(read.config).toEqual(config);
    expect(read.checkpoint).toMatchObject({ epoch: 2, config, configHash: configHash(config) });
    expect(loadCheckpoint(checkpoint).configHash).toBe(configHash(own));
  });
});

describe("a configuration of an extended run", () => {
  it.each([
    [
      "parts out of order",
      [
        { at: 3, epochs: 3 },
        { at: 2, epochs: 4 },
      ],
    ],
    ["a part after its epochs", [{ at: 3, epochs: 2 }]],
    ["a part after the run", [{ at: 4, epochs: 4 }]],
    ["none", []],
    ["no parts", 3],
  ])("is refused with %s", (_, extended) => {
    const { command: _command, configSha256: _sha, ...config } = json("whole", "config.json");
    expect(() => parseConfig({ ...config, extended })).toThrow(/bad extended/);
    expect(parseConfig({ ...config, extended: [{ at: 2, epochs: 3 }] })).toHaveProperty("extended");
  });
});
