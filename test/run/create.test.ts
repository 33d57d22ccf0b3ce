/**
 * @file A run through the run room: the same bits as `train`, in Node and in a worker of a page; resuming, stopping,
 * and what it refuses.
 */
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256Hex } from "../../src/core/sha256.js";
import { DataLoader, digits } from "../../src/data/index.js";
import { createSession } from "../../src/infer/index.js";
import { readSafetensors } from "../../src/io/safetensors.js";
import { createRun, networkOf, readModel, runConfig, summaryOf } from "../../src/run/index.js";
import { loadCheckpoint } from "../../src/train/checkpoint.js";
import { withPage } from "../browser/page.js";
import { Workbench } from "../cli/run.js";
import { noChromium } from "../tools.js";
import { SMALL, smallResult, smallRun } from "./small.js";

let bench: Workbench;
const ARGS = ["--model", "mlp", "--bits", "1W4A", "--limit", "128", "--test-limit", "64", "--epochs", "2"];
interface Summary {
  weightsSha256: string;
  top1: number;
  packed: { sha256: string; top1: number };
}
let trained: Summary;
beforeAll(async () => {
  bench = await Workbench.open();
  trained = await bench.json<Summary>("train", ...ARGS, "--batch", "32", "--seed", "7", "--out", "run");
});
afterAll(() => bench?.close());

const small = digits({ seed: 1, train: 128, test: 64 });
const config = runConfig(SMALL);

describe("createRun", () => {
  it("gives the weights, the packed file and the figures of train, byte for byte", async () => {
    const { weights, weightsSha256, packed, accuracy, epochs, metrics } = await smallRun();
    expect(weightsSha256).toBe(trained.weightsSha256);
    expect(epochs).toBe(2);
    expect(metrics.map(({ epoch }) => epoch)).toEqual([1, 2]);
    expect([accuracy?.top1, packed?.accuracy.top1]).toEqual([trained.top1, trained.packed.top1]);
    expect(packed?.bytes).toEqual(new Uint8Array(readFileSync(bench.file("run", "model.cgm"))));
    const { tensors } = readSafetensors(new Uint8Array(readFileSync(bench.file("run", "checkpoint.safetensors"))));
    for (const [key, { shape, data }] of weights) expect({ shape, data }).toEqual(pick(tensors.get(`model.${key}`)));
    expect([...tensors.keys()].filter((key) => key.startsWith("model."))).toHaveLength(weights.size);
    using session = createSession(packed!.bytes);
    expect(session.predict(small.test.images.subarray(0, 784))).toHaveLength(1);
  });

  it("makes generated images itself, and takes loaders", async () => {
    const made = await createRun(config);
    expect(made.weightsSha256).toBe(trained.weightsSha256);
    const train = new DataLoader(small.train, { batch: 32, shuffle: true, seed: 7 });
    const calibration = new DataLoader(small.train, { batch: 128, shuffle: true, seed: 7 });
    const test = new DataLoader(small.test, { batch: 64 });
    expect((await createRun(config, { data: { train, calibration, test } })).weightsSha256).toBe(trained.weightsSha256);
  });

  it("hands over every epoch, and goes on from its checkpoint to the same bits", async () => {
    const checkpoints: Uint8Array[] = [];
    const told: string[] = [];
    const stop = new AbortController();
    const first = await createRun(config, {
      data: small,
      signal: stop.signal,
      onStart: (net) => void told.push("start", `${net.parameters().length > 0}`),
      onEpoch: ({ epoch }) => void told.push(`epoch ${epoch}`),
      onCheckpoint: (bytes) => {
        checkpoints.push(bytes);
        stop.abort();
      },
      onTrained: () => void told.push("trained"),
      onPacked: () => void told.push("packed"),
    });
    expect(first).toMatchObject({ epochs: 1, stopped: true, accuracy: null, packed: null });
    expect(told).toEqual(["start", "true", "epoch 1"]);
    const tests: number[] = [];
    const rest = await createRun(config, {
      data: small,
      checkpoint: loadCheckpoint(checkpoints[0]),
      onTrained: (epochs) => void told.push(`trained ${epochs}`),
      onTest: ({ images }) => void tests.push(images),
      onPacked: (bytes) => void told.push(sha256Hex(bytes)),
    });
    expect(rest.weightsSha256).toBe(trained.weightsSha256);
    expect(rest.metrics.map(({ epoch }) => epoch)).toEqual([2]);
    expect(told.slice(3)).toEqual(["trained 2", trained.packed.sha256]);
    expect(tests).toEqual([64, 128]);
    const account = { command: "a script", version: "0", wallSeconds: 1, metrics: rest.metrics };
    expect(summaryOf(config, rest, account)).toMatchObject({
      weightsSha256: trained.weightsSha256,
      top1: trained.top1,
    });
    expect(summaryOf(config, first, account)).toBeNull();
  });

  it("starts from weights that it is given, as --init does", async () => {
    const file = bench.file("run", "checkpoint.safetensors");
    const from = await bench.json<Summary>("train", ...ARGS, "--init", "run", "--epochs", "1", "--out", "again");
    const { init } = JSON.parse(readFileSync(bench.file("again", "config.json"), "utf8"));
    const again = { ...runConfig({ ...SMALL, epochs: 1, batch: 64, shards: 2, seed: 1 }), init };
    const source = readModel(new Uint8Array(readFileSync(file)), file);
    expect((await createRun(again, { data: small, init: source })).weightsSha256).toBe(from.weightsSha256);
    await expect(createRun(again, { data: small })).rejects.toThrow(
      "createRun: bad init; expected the weights of run/",
    );
    const wrong = { ...again, init: { ...init, sha256: "0".repeat(64) } };
    await expect(createRun(wrong, { data: small, init: source })).rejects.toThrow("has changed since the run was made");
  });

  it.each([
    ["no configuration", {}, undefined, "createRun: config: not the configuration of a training run"],
    ["an unknown setting", { ...config, clip: 1 }, undefined, "createRun: config: unknown field"],
    [
      "a setting out of range",
      { ...config, batch: 1 },
      undefined,
      "bad batch; expected a whole number, at least 2, got 1",
    ],
    ["no images", { ...config, data: "mnist" }, undefined, "createRun: bad data; expected the images of mnist"],
    ["images of another size", { ...config, data: "cifar10" }, small, "the model does not take the images of digits"],
    ["half of the images", config, { train: small.train }, "createRun: bad data.test"],
  ])("refuses %s", async (_, wrong, data, message) => {
    await expect(createRun(wrong as never, { data: data as never })).rejects.toThrow(message);
  });

  it("makes the network alone", () => {
    using net = networkOf(config);
    expect(net.stateDict().size).toBeGreaterThan(0);
    expect(() => networkOf({ ...config, model: "net.onnx" })).toThrow("net.onnx: bad network");
  });
});

function pick(tensor: { shape: readonly number[]; data: unknown } | undefined) {
  return { shape: [...(tensor?.shape ?? [])], data: tensor?.data };
}

describe.skipIf(noChromium)("in a worker of headless Chromium", () => {
  it("gives the bits that it gives in Node", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "coarsegrad-worker-"));
    try {
      const outfile = path.join(folder, "worker.js");
      // For browsers: a module of Node's would not be found.
      await build({
        entryPoints: [path.join(import.meta.dirname, "worker.ts")],
        outfile,
        bundle: true,
        format: "esm",
        target: "es2022",
        platform: "browser",
      });
      const there = await withPage({ "worker.js": readFileSync(outfile) }, (page) =>
        page.evaluate(`new Promise((resolve, reject) => {
          const worker = new Worker("/worker.js", { type: "module" });
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = ({ message }) => reject(new Error(message));
        })`),
      );
      const here = await smallResult();
      expect(here).toMatchObject({ weightsSha256: trained.weightsSha256, packed: trained.packed.sha256 });
      expect(there).toEqual(here);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
