/**
 * @file Packed models as C99: every value of random networks and of the committed ones is the packed runtime's, with
 * every compiler that is there, without a warning, and under sanitizers.
 *
 * `COARSEGRAD_C_INPUTS=1000` gives every network so many inputs.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Rng } from "../../../src/core/rng.js";
import { C_LOWERINGS } from "../../../src/export/c/nodes/index.js";
import { pack, toC } from "../../../src/export/index.js";
import { readPacked, writePacked } from "../../../src/format/index.js";
import { NODES } from "../../../src/format/nodes/index.js";
import { createSession } from "../../../src/infer/index.js";
import { model } from "../../../src/models/index.js";
import { prepare } from "../../../src/quant/prepare.js";
import { randomModel } from "../../format/models.js";
import { type CTool, noC } from "../../tools.js";
import { buildTopology, topologies } from "../arbitrary-topologies.js";
import { settle } from "../nets.js";
import { CProgram, inputsFor, TARGETS, WARNINGS } from "./harness.js";

const COUNT = Number(process.env.COARSEGRAD_C_INPUTS ?? 0);
if (COUNT > 0) vi.setConfig({ testTimeout: 3_600_000 });
/** Inputs of one run: all values of them are held at once. */
const PART = 40;
const experiments = path.resolve(import.meta.dirname, "../../../experiments");
const COMMITTED = ["lenet5-mnist-1w4a", "lenet5-fashion-1w4a", "resnet20-cifar10-1w4a", "dscnn-fsdd-1w4a"];

/** Random packed models; those with kinds that C lacks are drawn again. */
function randomModels(seed: string, count: number): Uint8Array[] {
  const rng = new Rng(seed);
  const models: Uint8Array[] = [];
  while (models.length < count) {
    const { plan, data } = randomModel(rng, 9);
    if (plan.nodes.every(({ op }) => op in C_LOWERINGS)) models.push(writePacked(plan, data));
  }
  return models;
}

/** Networks of training, quantized and packed. */
function trainedModels(count: number): Uint8Array[] {
  return fc.sample(topologies, { numRuns: count, seed: 7 }).map((spec, i) => {
    const rng = new Rng(spec.seed);
    using net = buildTopology(spec, rng, i % 4 !== 0);
    return pack(net, { inputShape: [spec.size, spec.size, spec.colors] });
  });
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "coarsegrad-c-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs models on inputs, a part at a time. @returns values that were compared */
function compareAll(
  models: readonly Uint8Array[],
  target: keyof typeof TARGETS,
  least: number,
  most = Number.POSITIVE_INFINITY,
): number {
  const program = new CProgram(path.join(folder, `${Math.random()}`.slice(2)), models, TARGETS[target]);
  const rng = new Rng(`inputs of ${target}`);
  let equal = 0;
  const count = Math.min(most, Math.max(least, COUNT));
  for (let first = 0; first < count; first += PART) {
    const inputs = models.map((bytes) => inputsFor(rng, bytes, Math.min(PART, count - first)));
    const found = program.compare(inputs);
    expect(found.difference).toBeNull();
    equal += found.equal;
  }
  return equal;
}

/** Targets with the tool that each needs. */
const ON: [keyof typeof TARGETS, CTool][] = [
  ["gcc", "gcc"],
  ["gcc, one by one", "gcc"],
  ["clang", "clang"],
  ["Cortex-M4", "Cortex-M4"],
  ["RV32", "RV32"],
];

describe.each(ON)("%s", (target, tool) => {
  const test = it.skipIf(noC(tool));
  test("random packed models give the runtime's values, layer by layer", () => {
    const equal = compareAll(randomModels(target, 40), target, 3);
    expect(equal).toBeGreaterThan(10_000);
    if (COUNT > 0) console.log(`${target}: random packed models, ${equal} values equal`);
  });
  test("networks of training give the runtime's values, layer by layer", () => {
    const equal = compareAll(trainedModels(6), target, 2);
    expect(equal).toBeGreaterThan(10_000);
    if (COUNT > 0) console.log(`${target}: networks of training, ${equal} values equal`);
  });
  // Emulators would take half a minute for them.
  it.skipIf(noC(tool) || !/^gcc$|clang/.test(target))("MobileNets give the runtime's values, layer by layer", () => {
    const all = ["mobilenetv1-0.25", "mobilenetv2-0.35"].flatMap((of) => [1, 4].map((weights) => ({ of, weights })));
    // Sanitizers make gcc the slow one: each network once, and each width.
    const some = all.filter(({ of, weights }) => target !== "gcc" || of.startsWith("mobilenetv1") === (weights === 1));
    const models = some.map(({ of, weights }) => {
      const rng = new Rng(`${of} ${weights}`);
      using net = prepare(model(of, { classes: 10, channels: 3, size: 12, rng }), { weights, activations: 4 });
      settle(net, rng);
      return pack(net.eval(), { inputShape: [12, 12, 3] });
    });
    expect(compareAll(models, target, 2)).toBeGreaterThan(10_000);
  });
  test("the committed models give the runtime's values, layer by layer", () => {
    const models = COMMITTED.map((name) => new Uint8Array(readFileSync(path.join(experiments, name, "model.cgm"))));
    // Emulators, and products one by one under sanitizers, take seconds for a ResNet-20.
    const equal = compareAll(models, target, 2, target === "gcc" || target === "clang" ? undefined : 20);
    expect(equal).toBeGreaterThan(100_000);
    if (COUNT > 0) console.log(`${target}: committed models, ${equal} values equal`);
  });
});

it("random packed models have every kind of node that C has, and every width of weights", () => {
  const nodes = ON.flatMap(([target]) => randomModels(target, 40).flatMap((bytes) => readPacked(bytes).plan.nodes));
  const kinds = new Set(nodes.map(({ op }) => op));
  expect([...kinds].sort()).toEqual(
    Object.keys(NODES)
      .filter((op) => op in C_LOWERINGS)
      .sort(),
  );
  const widths = new Set(nodes.flatMap((node) => ("bits" in node && node.bits !== undefined ? [node.bits] : [])));
  expect([...widths].sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

/** The committed models' C in a folder, by name. */
function committedFiles(name: string): string {
  const bytes = new Uint8Array(readFileSync(path.join(experiments, COMMITTED[0], "model.cgm")));
  const residual = new Uint8Array(readFileSync(path.join(experiments, COMMITTED[2], "model.cgm")));
  const into = path.join(folder, name);
  mkdirSync(into);
  for (const [model, of] of [
    ["lenet", bytes],
    ["resnet", residual],
  ] as const) {
    const { files } = toC(of, { name: model, main: true });
    for (const [file, text] of Object.entries(files)) writeFileSync(path.join(into, file), text);
  }
  return into;
}

describe.skipIf(noC("gcc"))("the object file", () => {
  it("needs nothing from libraries but what compilers call by themselves", () => {
    const into = committedFiles("symbols");
    for (const model of ["lenet", "resnet"]) {
      const object = path.join(into, "n.o");
      execFileSync("gcc", [...WARNINGS, "-ffreestanding", "-c", path.join(into, `${model}.c`), "-o", object]);
      const needed = execFileSync("nm", ["-u", object], { encoding: "utf8" }).match(/\w+$/gm) ?? [];
      const known = ["memcpy", "memset", "memmove", "_GLOBAL_OFFSET_TABLE_"];
      expect(needed.filter((symbol) => !known.includes(symbol))).toEqual([]);
    }
  });
  it.skipIf(process.arch !== "x64")("has no fused multiply-add, whatever the dialect", () => {
    const into = committedFiles("fused");
    for (const compiler of noC("clang") ? ["gcc"] : ["gcc", "clang"]) {
      const flags = ["-std=gnu11", "-O3", "-mfma", "-S", "-o", "-"];
      const text = execFileSync(compiler, [...flags, path.join(into, "resnet.c")], {
        encoding: "utf8",
        maxBuffer: 2 ** 28,
      });
      expect(text).toContain("mulss");
      expect(text).not.toMatch(/vfn?m(?:add|sub)/);
    }
  });
  it("refuses fast math, which would round otherwise", () => {
    const into = committedFiles("fast");
    const compile = (): unknown =>
      execFileSync("gcc", ["-ffast-math", "-c", path.join(into, "resnet.c"), "-o", path.join(into, "n.o")], {
        stdio: "pipe",
      });
    expect(compile).toThrow(/fast-math changes results/);
  });
});

it.skipIf(noC("gcc"))("the program that comes along prints the runtime's outputs", () => {
  const into = committedFiles("main");
  const bytes = new Uint8Array(readFileSync(path.join(experiments, COMMITTED[0], "model.cgm")));
  const program = path.join(into, "lenet");
  execFileSync("gcc", [...WARNINGS, path.join(into, "lenet.c"), path.join(into, "lenet_main.c"), "-o", program]);
  const input = inputsFor(new Rng("main"), bytes, 5) as Uint8Array;
  const lines = execFileSync(program, { input, encoding: "utf8" }).trim().split("\n");
  using session = createSession(bytes);
  const outputs = session.run(input);
  const best = session.predict(input);
  const wanted = Array.from(best, (index, n) => [index, ...outputs.subarray(10 * n, 10 * n + 10)]);
  expect(lines.map((line) => line.split(" ").map((word) => Math.fround(Number(word))))).toEqual(wanted);
});
