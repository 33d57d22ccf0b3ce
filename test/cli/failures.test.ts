import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256Hex } from "../../src/core/sha256.js";
import { appears, outcomeOf, Workbench } from "./run.js";

/** Bad files and broken runs: one line that names the file, code 1, and nothing that was there is lost. */

const SMALL = ["--model", "mlp", "--limit", "200", "--test-limit", "100", "--epochs", "1"];
let bench: Workbench;

/** An IDX file: magic number, extents, bytes. */
function idx(magic: number, extents: readonly number[], data: Uint8Array): Uint8Array {
  const head = Buffer.alloc(4 + 4 * extents.length);
  head.writeUInt32BE(magic, 0);
  extents.forEach((extent, i) => {
    head.writeUInt32BE(extent, 4 + 4 * i);
  });
  return Buffer.concat([head, data]);
}

/** Writes the four files of a small MNIST, some of them replaced. */
function mnist(name: string, replaced: Readonly<Record<string, Uint8Array>> = {}): string {
  const images = idx(
    0x803,
    [4, 28, 28],
    Uint8Array.from({ length: 4 * 784 }, (_, i) => (i * 37) % 251),
  );
  const labels = idx(0x801, [4], Uint8Array.from([0, 1, 2, 9]));
  mkdirSync(bench.file(name, "mnist"), { recursive: true });
  for (const part of ["train", "t10k"]) {
    const files = { [`${part}-images-idx3-ubyte`]: images, [`${part}-labels-idx1-ubyte`]: labels };
    for (const [file, bytes] of Object.entries(files))
      writeFileSync(bench.file(name, "mnist", file), replaced[file] ?? bytes);
  }
  return name;
}

beforeAll(async () => {
  bench = await Workbench.open();
  await bench.json("train", ...SMALL, "--out", "runs/float");
  await bench.json("train", ...SMALL, "--bits", "1W4A", "--init", "runs/float", "--out", "runs/quantized");
  await bench.json("train", ...SMALL, "--model", "lenet5", "--out", "runs/lenet");
  const model = readFileSync(bench.file("runs", "quantized", "model.cgm"));
  writeFileSync(bench.file("cut.cgm"), model.subarray(0, model.length - 100));
  const checkpoint = readFileSync(bench.file("runs", "float", "checkpoint.safetensors"));
  writeFileSync(bench.file("cut.safetensors"), checkpoint.subarray(0, 5000));
  writeFileSync(bench.file("noise.bin"), Buffer.from("this is neither a model nor an image"));
  writeFileSync(bench.file("empty"), "");
  mkdirSync(bench.file("nothing-here"));
  // As a finished run is kept: without what goes on with it.
  cpSync(bench.file("runs", "quantized"), bench.file("kept"), { recursive: true });
  rmSync(bench.file("kept", "checkpoint.safetensors"));
  mnist("good");
  mnist("cut", { "train-images-idx3-ubyte": idx(0x803, [4, 28, 28], new Uint8Array(3000)) });
  mnist("magic", { "train-images-idx3-ubyte": idx(0x12340803, [4, 28, 28], new Uint8Array(4 * 784)) });
  mnist("labels", { "train-labels-idx1-ubyte": idx(0x801, [4], Uint8Array.from([0, 1, 2, 10])) });
  mnist("fewer", { "train-labels-idx1-ubyte": idx(0x801, [3], Uint8Array.from([0, 1, 2])) });
  mnist("zipped");
  const packed = gzipSync(idx(0x803, [4, 28, 28], new Uint8Array(4 * 784)));
  writeFileSync(bench.file("zipped", "mnist", "train-images-idx3-ubyte.gz"), packed.subarray(0, packed.length - 9));
  rmSync(bench.file("zipped", "mnist", "train-images-idx3-ubyte"));
});
afterAll(() => bench?.close());

describe("bad files", () => {
  const train = (data: string) =>
    `train --model mlp --data mnist --data-dir ${data} --epochs 1 --batch 2 --out runs/new --force`;
  const cases: [what: string, args: string, line: RegExp][] = [
    ["a missing model", "eval gone.cgm --data digits", /^coarsegrad: gone\.cgm: no such file$/],
    [
      "a missing --init",
      "train --bits 1W4A --init gone.safetensors --out runs/new",
      /^coarsegrad: gone\.safetensors: no such file$/,
    ],
    [
      "a run whose checkpoint was left out",
      "eval kept",
      /^coarsegrad: kept: this run has no checkpoint; expected .*; its packed model is kept[/\\]model\.cgm$/,
    ],
    ["a truncated packed model", "eval cut.cgm --data digits", /^coarsegrad: cut\.cgm: .*expected.*got/],
    ["a truncated checkpoint", "eval cut.safetensors", /^coarsegrad: cut\.safetensors: .*expected.*got/],
    [
      "noise for a model",
      "summary noise.bin",
      /^coarsegrad: noise\.bin: header longer than the file; expected .*, got \d+; is this a safetensors file\?$/,
    ],
    [
      "an empty file",
      "eval empty --data digits",
      /^coarsegrad: empty: truncated safetensors header; expected at least 8 bytes, got 0$/,
    ],
    [
      "a folder that is no run",
      "eval nothing-here",
      /^coarsegrad: nothing-here: holds no run; expected config\.json in it, got an empty folder$/,
    ],
    ["a report of no run", "report nothing-here", /^coarsegrad: nothing-here: holds no run/],
    [
      "a report of a folder of runs",
      "report runs",
      /^coarsegrad: runs: holds no run; expected config\.json in it, got .*; runs in it: runs\/.*$/,
    ],
    [
      "a report of nothing",
      "report runs/typo",
      /^coarsegrad: runs\/typo: no such folder; expected the folder of a run, got nothing there$/,
    ],
    [
      "a data folder that is none",
      "train --data mnist --data-dir typo --out runs/new",
      /^coarsegrad: typo: not a data directory; expected a folder that is there, got no such folder$/,
    ],
    [
      "a data set that is not here",
      "train --data fashion-mnist --out runs/new --force",
      /^coarsegrad: fashion-mnist: data set not found; expected .* in one of .*; run "coarsegrad data download fashion-mnist", or name a directory with --data-dir or COARSEGRAD_DATA$/,
    ],
    ["a truncated IDX file", train("cut"), /^coarsegrad: \S*train-images-idx3-ubyte: .*expected.*got/],
    [
      "a wrong magic number",
      train("magic"),
      /^coarsegrad: \S*train-images-idx3-ubyte: not an IDX file; expected magic .*, got 0x12340803$/,
    ],
    [
      "a label out of range",
      train("labels"),
      /^coarsegrad: \S*train-labels-idx1-ubyte: label out of range in record 3; expected 0 to 9, got 10$/,
    ],
    [
      "labels for other images",
      train("fewer"),
      /^coarsegrad: \S*train-labels-idx1-ubyte: not the labels; expected u8 labels \[4\], one for each image, got \[3\]$/,
    ],
    [
      "a truncated gzip file",
      train("zipped"),
      /^coarsegrad: \S*train-images-idx3-ubyte\.gz: cannot be unpacked; expected a complete gzip stream/,
    ],
    [
      "weights of another architecture",
      "train --model mlp --init runs/lenet --out runs/new --force",
      /^coarsegrad: loadStateDict: the state does not match the network; expected its \d+ keys and shapes, got missing: .*fc\.0\.weight.*; extra: .*conv1\.weight.*; nothing was changed; \S*runs\/lenet\S* holds weights of lenet5, not of mlp$/,
    ],
    [
      "a packed model for --init",
      "train --model mlp --init runs/quantized/model.cgm --out runs/new --force",
      /^coarsegrad: --init: runs\/quantized\S* does not hold float weights; expected a run.*, got a packed model$/,
    ],
    [
      "a packed model of another network",
      "verify runs/float --packed runs/quantized/model.cgm --limit 10",
      /^coarsegrad: verify: the packed file is of another network/,
    ],
    [
      "a packed model where a checkpoint belongs",
      "pack runs/quantized/model.cgm",
      /^coarsegrad: runs\/quantized\/model\.cgm: not a training checkpoint; expected .*, got a packed model$/,
    ],
    [
      "a checkpoint where a packed model belongs",
      "infer runs/quantized/checkpoint.safetensors x.png",
      /^coarsegrad: \S+: not a packed model; expected a \.cgm file, got a training checkpoint; pack it first/,
    ],
    [
      "noise for an image",
      "infer runs/quantized/model.cgm noise.bin",
      /^coarsegrad: noise\.bin: not an image that can be read; expected a PNG, JPEG, PBM, PGM or PPM file, got bytes 74 68 69 73/,
    ],
    [
      "a folder without images",
      "infer runs/quantized/model.cgm nothing-here",
      /^coarsegrad: nothing-here: no images in this folder/,
    ],
    [
      "a layer that does not exist",
      "train --model mlp --bits 1W4A --keep-float fc9 --limit 200 --out runs/new --force",
      /^coarsegrad: prepare: keepFloat names no layer; expected fc\.0, .*, got fc9$/,
    ],
    [
      "a learning rate that diverges",
      "train --model mlp --limit 200 --epochs 2 --lr 1e30 --schedule constant --out runs/new --force",
      /^coarsegrad: fit: training diverged in epoch \d, step \d+; expected finite numbers, got loss (NaN|Infinity|-Infinity); earlier checkpoints are untouched/,
    ],
    [
      "a folder that holds a run",
      "train --model mlp --out runs/float",
      /^coarsegrad: runs\/float: already holds a run; .*--resume goes on with it, --force replaces it/,
    ],
  ];
  it.each(cases)("%s", async (_, args, line) => {
    const { code, stdout, stderr } = await bench.run(...args.split(" "), "--quiet");
    expect(stderr.trimEnd()).toMatch(line);
    expect(stdout).toBe("");
    expect(code).toBe(1);
  });

  it("a good file of the same kind is read", async () => {
    const { code, stderr } = await bench.run(...train("good").split(" "), "--quiet");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it("plain weights without --model and a packed model without --data are usage errors", async () => {
    const { stderr, code } = await bench.run("eval", "runs/quantized/model.cgm");
    expect(stderr).toContain("eval: no data set; expected --data NAME, got none");
    expect(code).toBe(2);
  });
});

describe("outputs", () => {
  const contents = (): string[] =>
    readdirSync(bench.file("runs", "quantized"))
      .sort()
      .map((name) => `${name} ${sha256Hex(readFileSync(bench.file("runs", "quantized", name)))}`);
  const own = "runs/quantized";

  it.each([
    [
      `pack ${own} --out ${own}/checkpoint.safetensors`,
      /^coarsegrad: --out: named like .*; expected .*\.cgm, got runs/,
    ],
    [`pack ${own} --out ${own}/CONFIG.JSON`, /named like a file of another kind/],
    [`pack ${own} --module ${own}/model.cgm`, /^coarsegrad: --module: named like .*; expected .*\.js, \.mjs, got runs/],
    [`pack ${own} --out same --module ./same`, /^coarsegrad: --module: written twice; expected another name, got/],
    [`export ${own} --out ${own}/model.cgm`, /^coarsegrad: --out: named like .*; expected .*\.onnx, got runs/],
    [`report ${own} --out ${own}/metrics.jsonl`, /^coarsegrad: --out: named like .*; expected .*\.html, \.htm, got/],
  ])("named like other files are refused, and those stay: %s", async (args, line) => {
    const before = contents();
    const { code, stderr } = await bench.run(...args.split(" "));
    expect({ code, stderr: stderr.trim() }).toEqual({ code: 2, stderr: expect.stringMatching(line) });
    expect(contents()).toEqual(before);
    expect(existsSync(bench.file("same"))).toBe(false);
  });

  it.each([
    ["pack runs/quantized --out runs", /^coarsegrad: runs: cannot be written; expected a file's name, got a folder$/],
    ["export runs/quantized --out runs", /^coarsegrad: runs: cannot be written; expected a file's name, got a folder$/],
    ["pack runs/quantized --out new.cgm --module runs", /^coarsegrad: runs: .*; expected a file's name, got a folder$/],
    ["pack runs/quantized --out new.cgm --c empty", /^coarsegrad: empty\/new\.h: cannot be written; expected a folder/],
    ["report runs/quantized --limit 0 --out runs", /^coarsegrad: runs: .* got a folder; --out chooses another place$/],
    [
      "theory separable --out empty",
      /^coarsegrad: empty: cannot be written; expected a folder to write in, got EEXIST/,
    ],
  ])("are files, in folders: %s", async (args, line) => {
    const { code, stderr } = await bench.run(...args.split(" "), "--quiet");
    expect({ code, stderr: stderr.trim() }).toEqual({ code: 1, stderr: expect.stringMatching(line) });
    expect(existsSync(bench.file("new.cgm"))).toBe(false);
  });

  it("have whatever name says nothing else", async () => {
    expect(await bench.run("pack", own, "--out", "packed.bin", "--quiet")).toMatchObject({ code: 0, stderr: "" });
    expect(readFileSync(bench.file("packed.bin"))).toEqual(readFileSync(bench.file("runs", "quantized", "model.cgm")));
  });
});

describe("options of other kinds of models", () => {
  const packed = "runs/quantized/model.cgm";

  it.each([
    ["summary runs/float --bits 1W4A", "--bits", "the name of a network, got a training checkpoint"],
    ["summary runs/float --data mnist", "--data", "the name of a network, or plain float weights, got a training"],
    ["summary runs/float --model mlp", "--model", "plain float weights, got a training checkpoint"],
    ["summary lenet5 --model mlp", "--model", "plain float weights, got the name of a network"],
    ["summary lenet5 --output y", "--output", "an ONNX file, got the name of a network"],
    ["export runs/float --model mlp --out never.onnx", "--model", "plain float weights, got a training checkpoint"],
    [`export ${packed} --data digits --out never.onnx`, "--data", "plain float weights, got a packed model"],
    [`eval ${packed} --data digits --model mlp`, "--model", "plain float weights, got a packed model"],
    ["eval runs/float --normalize 0.5/0.5", "--normalize", "plain float weights, got a training checkpoint"],
  ])("are refused: %s", async (args, option, words) => {
    const { code, stdout, stderr } = await bench.run(...args.split(" "));
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(`coarsegrad: ${option}: not for this kind of model; expected ${words}`);
    expect(existsSync(bench.file("never.onnx"))).toBe(false);
  });
});

describe("an interrupted run", () => {
  const args = [
    "--limit",
    "256",
    "--test-limit",
    "100",
    "--epochs",
    "3",
    "--batch",
    "32",
    "--bits",
    "1W4A",
    "--seed",
    "7",
  ];
  const weights = (run: string): string =>
    JSON.parse(readFileSync(bench.file(run, "summary.json"), "utf8")).weightsSha256;
  let whole = "";
  beforeAll(async () => {
    whole = (await bench.json<{ weightsSha256: string }>("train", ...args, "--out", "runs/whole")).weightsSha256;
  });

  it.each(
    // Windows ends a process at once that is sent a signal.
    process.platform === "win32" ? (["SIGKILL"] as const) : (["SIGKILL", "SIGINT"] as const),
  )("by %s goes on to the same bits", async (signal) => {
    const folder = `runs/${signal}`;
    const child = bench.start("train", ...args, "--out", folder);
    const ended = outcomeOf(child);
    await appears(bench.file(folder, "checkpoint.safetensors"));
    child.kill(signal);
    const { code, stderr } = await ended;
    expect(code).toBe(signal === "SIGKILL" ? null : 130);
    if (signal === "SIGINT") {
      expect(stderr).toMatch(
        /coarsegrad: train: stopped after [12] of 3 epochs; go on with: coarsegrad train --resume runs\/SIGINT\n$/,
      );
    }
    // It was cut short, or this test would prove nothing.
    expect(() => weights(folder)).toThrow("no such file");
    const done = await bench.json<{ weightsSha256: string; epochs: number; command: string }>(
      "train",
      "--resume",
      "--out",
      folder,
    );
    expect(done.weightsSha256).toBe(whole);
    expect(done.epochs).toBe(3);
    expect(done.command).toBe(`npx coarsegrad train ${args.join(" ")} --out ${folder}`);
    const rows = (run: string) =>
      readFileSync(bench.file(run, "metrics.jsonl"), "utf8")
        .trim()
        .split("\n")
        .map((line) => ({ ...JSON.parse(line), seconds: 0, imagesPerSecond: 0 }));
    expect(rows(folder)).toEqual(rows("runs/whole"));
    expect(readFileSync(bench.file(folder, "model.cgm"))).toEqual(
      readFileSync(bench.file("runs", "whole", "model.cgm")),
    );
  });

  it("that was complete stays as it is when it is resumed", async () => {
    const again = await bench.json<{ weightsSha256: string }>("train", "--resume", "--out", "runs/whole");
    expect(again.weightsSha256).toBe(whole);
  });

  it.each(["runs/typo", "nothing-here"])("is not started by --resume where there is none: %s", async (folder) => {
    const none = await bench.run("train", "--resume", "--out", folder);
    expect(none.stderr).toBe(
      `coarsegrad: ${folder}: nothing to resume; expected the folder of a run, got none there; leave --resume out to start one\n`,
    );
    expect(none.code).toBe(1);
    expect(await bench.run("train", "--resume", folder)).toEqual(none);
    expect(existsSync(bench.file("runs", "typo"))).toBe(false);
  });

  it("keeps the kernels that it was started with", async () => {
    const relaxed = (run: string) => JSON.parse(readFileSync(bench.file(run, "config.json"), "utf8")).relaxed;
    const { weightsSha256 } = await bench.json<{ weightsSha256: string }>(
      ...["train", ...args, "--relaxed", "--out", "runs/relaxed"],
    );
    const child = bench.start("train", ...args, "--relaxed", "--out", "runs/relaxed-cut");
    const ended = outcomeOf(child);
    await appears(bench.file("runs", "relaxed-cut", "checkpoint.safetensors"));
    child.kill("SIGKILL");
    await ended;
    expect(() => weights("runs/relaxed-cut")).toThrow("no such file");
    await bench.json("train", "--resume", "--out", "runs/relaxed-cut");
    expect(weights("runs/relaxed-cut")).toBe(weightsSha256);
    expect([relaxed("runs/relaxed-cut"), relaxed("runs/whole")]).toEqual([true, undefined]);
    const other = await bench.run("train", "--resume", "--relaxed", "--out", "runs/whole");
    expect(other.stderr).toContain("started with other settings; expected relaxed none, got relaxed true");
    expect(other.code).toBe(2);
  });

  it("keeps its settings", async () => {
    const other = await bench.run("train", "--resume", "--out", "runs/whole", "--lr", "0.5", "--epochs", "3");
    expect(other.stderr).toContain(
      "--resume: the run was started with other settings; expected lr 0.01, got lr 0.5; a resumed run keeps its settings; leave them out",
    );
    expect(other.code).toBe(2);
    const same = await bench.run(
      "train",
      "--resume",
      "--out",
      "runs/whole",
      "--lr",
      "0.01",
      "--bits",
      "1W4A",
      "--quiet",
    );
    expect(same.code).toBe(0);
  });
});
