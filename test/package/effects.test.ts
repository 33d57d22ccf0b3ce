/**
 * @file `"sideEffects": false` is true: importing an entry changes nothing that others see, and programs do the same
 * whether a bundler trusts the flag, does not, or there is no bundler.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { build as viteBuild } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../../scripts/run.mjs";
import { type Consumer, entriesOf, installPackage } from "./installed.js";

/** Uses most rooms: training, quantization, packing, the runtime, ONNX, a run; prints what comes out. */
const PROGRAM = `
import { arrays, defineOp, manualSeed, scope, sha256Hex, tensor } from "coarsegrad";
import { digits } from "coarsegrad/data";
import { pack } from "coarsegrad/export";
import { createSession } from "coarsegrad/infer";
import { lenet5 } from "coarsegrad/models";
import { exportOnnx } from "coarsegrad/onnx";
import { BCGD } from "coarsegrad/optim";
import { prepare } from "coarsegrad/quant";
import { createRun, runConfig } from "coarsegrad/run";
import { fit, save } from "coarsegrad/train";
console.warn = () => {};
manualSeed(3);
const net = lenet5();
prepare(net, { weights: 1, activations: 4 });
const { train, test } = digits({ train: 64, test: 8 });
await fit(net, train, { epochs: 1, optimizer: new BCGD(net.parameters(), { lr: 0.01, rho: 1e-5 }) });
const bytes = pack(net, { inputShape: [28, 28, 1] });
const run = await createRun(runConfig({ model: "mlp", bits: "2W4A", limit: 64, testLimit: 8, epochs: 1 }));
const twice = defineOp({ name: "twice", shape: ([x]) => x.shape, forward: ([x]) => ({ y: arrays.add(x, x), saved: null }), backward: (dy) => [arrays.add(dy, dy)] });
console.log(JSON.stringify([
  sha256Hex(bytes), sha256Hex(save(net)), sha256Hex(exportOnnx(net, { inputShape: [28, 28, 1] })),
  run.weightsSha256, run.packed.sha256, [...createSession(bytes).predict(test.images)],
  scope(() => twice([tensor([1, 2])]).toArray()),
]));
`;

let consumer: Consumer;
beforeAll(() => {
  consumer = installPackage();
  writeFileSync(path.join(consumer.folder, "program.mjs"), PROGRAM);
});
afterAll(() => consumer?.remove());

const node = (...args: readonly string[]): string =>
  execFileSync(process.execPath, args, { cwd: consumer.folder, encoding: "utf8" });

it("is what package.json says", () => {
  expect(JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")).sideEffects).toBe(false);
});

it("importing every entry leaves the process as it was", () => {
  const script = `
    const names = ${JSON.stringify(["coarsegrad", ...entriesOf(consumer)])};
    const intrinsics = [Object, Array, Math, JSON, Function, Map, Set, Promise, Error, Uint8Array, Float32Array, WebAssembly, console];
    const look = () => JSON.stringify([
      Reflect.ownKeys(globalThis).map(String),
      intrinsics.map((each) => [each, each.prototype ?? {}].map((on) => Reflect.ownKeys(on).map(String))),
      process.eventNames().map((name) => [String(name), process.listenerCount(name)]),
      process.getActiveResourcesInfo(), process.env, process.exitCode ?? 0, Error.stackTraceLimit,
    ]);
    const { memory } = await import("coarsegrad");
    const before = look();
    for (const name of names) await import(name);
    const after = look();
    console.log(before === after && memory().reservedBytes === 0);`;
  expect(node("--input-type=module", "-e", script).trim()).toBe("true");
});

describe("a program of most rooms", () => {
  let plain: string;
  beforeAll(() => {
    plain = node("program.mjs");
    expect(JSON.parse(plain)).toHaveLength(7);
  });

  it.each([
    ["trusts the flag", false],
    ["does not look at it", true],
  ])("does the same where esbuild %s", async (_, ignoreAnnotations) => {
    const outfile = path.join(consumer.folder, `esbuild-${ignoreAnnotations}.mjs`);
    await build({
      entryPoints: [path.join(consumer.folder, "program.mjs")],
      outfile,
      bundle: true,
      minify: true,
      format: "esm",
      target: "es2022",
      platform: "node",
      treeShaking: true,
      ignoreAnnotations,
      logLevel: "error",
    });
    expect(node(outfile)).toBe(plain);
  });

  it("does the same where Rollup shakes it", async () => {
    await viteBuild({
      root: consumer.folder,
      configFile: false,
      logLevel: "error",
      build: {
        outDir: "rolled",
        target: "es2022",
        lib: { entry: "program.mjs", formats: ["es"], fileName: () => "program.mjs" },
        rollupOptions: { treeshake: { preset: "smallest" } },
      },
    });
    expect(node(path.join("rolled", "program.mjs"))).toBe(plain);
  });
});

it("an import that nothing uses leaves nothing in a bundle", async () => {
  const names = entriesOf(consumer).filter((name) => name !== "coarsegrad/node");
  const contents = names.map((name, i) => `import * as entry${i} from "${name}";`).join("\n");
  const { outputFiles } = await build({
    stdin: { contents: `${contents}\nconsole.log(1);`, resolveDir: consumer.folder },
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
  });
  expect(outputFiles[0].text.trim()).toBe("console.log(1);");
});
