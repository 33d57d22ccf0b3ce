/** @file ONNX files on the command line: exported from runs and packed models, taken where float networks are. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { digits } from "../../src/data/digits.js";
import { writeSafetensors } from "../../src/io/safetensors.js";
import { mlp } from "../../src/models/mlp.js";
import { encodeModel } from "../../src/onnx/codec.js";
import { exportOnnx } from "../../src/onnx/index.js";
import { messageOf, modelBytes, type TestModel } from "../onnx/graphs.js";
import { type Runtime, webRuntime } from "../onnx/runtimes.js";
import { Workbench } from "./run.js";

const SMALL = ["--limit", "400", "--test-limit", "200"];
const TEST = digits({ train: 0, test: 200 }).test;

let bench: Workbench;
let runtime: Runtime;
let float: { top1: number };
let quantized: { top1: number };

beforeAll(async () => {
  bench = await Workbench.open();
  runtime = await webRuntime();
  float = await bench.json("train", "--model", "mlp", ...SMALL, "--epochs", "3", "--out", "runs/float");
  const bits = ["--bits", "1W4A", "--init", "runs/float", "--epochs", "1", "--out", "runs/1w4a"];
  quantized = await bench.json("train", "--model", "mlp", ...SMALL, ...bits);
});
afterAll(() => bench?.close());

/** Percent of the test digits that a file classifies right in onnxruntime-web. */
async function accuracyOf(file: string): Promise<number> {
  const session = await runtime.load(new Uint8Array(readFileSync(bench.file(file))));
  const logits = (await session.run(TEST.images, [200, 28, 28, 1])).get("output")!.data;
  await session.release();
  const right = Array.from(TEST.labels).filter((label, n) => {
    const own = logits.subarray(10 * n, 10 * n + 10);
    return own.indexOf(Math.max(...own)) === label;
  });
  return (100 * right.length) / 200;
}

describe("export", () => {
  it.each<[string, string[]]>([
    ["runs/1w4a", []],
    ["runs/1w4a", ["--pack"]],
    ["runs/1w4a", ["--float"]],
    ["runs/1w4a/model.cgm", ["--pack"]],
  ])("of %s with %j classifies as the run does", async (model, options) => {
    const answer = await bench.json<{ file: string; bytes: number }>("export", model, ...options, "--out", "q.onnx");
    expect(answer.file).toBe(bench.file("q.onnx"));
    expect(answer.bytes).toBe(readFileSync(bench.file("q.onnx")).length);
    expect(await accuracyOf("q.onnx")).toBe(quantized.top1);
  });

  it("of a float run, beside it by default", async () => {
    const { file } = await bench.json<{ file: string }>("export", "runs/float");
    expect(file).toBe(bench.file("runs/float/model.onnx"));
    expect(await accuracyOf("runs/float/model.onnx")).toBe(float.top1);
  });

  it("says what it cannot take", async () => {
    writeFileSync(bench.file("some.onnx"), "");
    const { code, stderr } = await bench.run("export", "some.onnx");
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/^coarsegrad: some\.onnx: an ONNX file already; expected a run, .*got ONNX\n$/);
    const entry = { name: "weight", shape: [1], data: Float32Array.of(1) };
    writeFileSync(bench.file("bare.safetensors"), writeSafetensors([entry]));
    expect(await bench.run("export", "bare.safetensors")).toEqual({
      code: 2,
      stdout: "",
      stderr:
        "coarsegrad: export: bare.safetensors does not say which network its weights belong to; expected --model NAME, got none\n",
    });
  });
});

describe("a file of a float network", () => {
  it("is evaluated and summarized", async () => {
    await bench.json("export", "runs/float", "--out", "float.onnx");
    const found = await bench.json<{ top1: number; kind: string }>(
      "eval",
      "float.onnx",
      "--data",
      "digits",
      "--limit",
      "200",
    );
    expect(found).toMatchObject({ kind: "onnx", top1: float.top1 });
    const { weights } = await bench.json<{ weights: number }>("summary", "float.onnx");
    expect(weights).toBe(784 * 256 + 256 * 256 + 256 * 10);
  });

  it("is quantized and trained as a network of its own, and the run opens without it", async () => {
    const net = mlp({ sizes: [784, 32, 10], batchNorm: false, rng: new Rng(7) });
    writeFileSync(bench.file("own.onnx"), exportOnnx(net, { inputShape: [28, 28, 1], inputType: "f32" }));
    net.dispose();
    const first = await bench.json<{ run: string }>("train", "--model", "own.onnx", ...SMALL, "--epochs", "2");
    expect(first.run).toBe("runs/own-digits-float");
    const options = ["--bits", "2W4A", "--init", first.run, "--epochs", "1", "--out", "runs/own"];
    const second = await bench.json<{ top1: number; model: string }>(
      "train",
      "--model",
      "own.onnx",
      ...SMALL,
      ...options,
    );
    writeFileSync(bench.file("own.onnx"), "gone");
    expect(existsSync(bench.file("runs/own/network.onnx"))).toBe(true);
    expect((await bench.json<{ top1: number }>("eval", "runs/own", "--limit", "200")).top1).toBe(second.top1);
    expect(await bench.json("verify", "runs/own", "--limit", "50")).toMatchObject({ identical: true });
    await bench.json("export", "runs/own", "--pack", "--out", "own-q.onnx");
    expect(await accuracyOf("own-q.onnx")).toBe(second.top1);
    const config = JSON.parse(readFileSync(bench.file("runs/own-digits-float/config.json"), "utf8"));
    expect(config).toMatchObject({ model: "network.onnx", init: { file: "own.onnx" } });
  });

  it("gives its weights to a network of the same names", async () => {
    await bench.json("export", "runs/float", "--out", "float.onnx");
    // Exported batch norms are factors and terms, not batch norms: the names tell.
    const { code, stderr } = await bench.run("train", "--model", "mlp", "--init", "float.onnx", ...SMALL);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/the state does not match the network; .*missing: bn\.0/);
  });

  it("is refused with the node that is in the way, and for other images", async () => {
    await bench.json("export", "runs/1w4a", "--out", "q.onnx");
    const refused = await bench.run("eval", "q.onnx", "--data", "digits");
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(
      /^coarsegrad: q\.onnx: node "fc\.0\/sums" \(MatMulInteger\): operator that is not supported; expected Conv, /,
    );
    const other = await bench.run("train", "--model", "float.onnx", "--data", "cifar10");
    expect(other.code).not.toBe(0);
    expect((await bench.run("train", "--model", "missing.onnx")).stderr).toMatch(
      /missing\.onnx: cannot be read|missing\.onnx/,
    );
  });
});

describe("files as people have them", () => {
  /** A small network of the digits: convolution, ReLU, flattening, linear layer, and what comes behind. */
  const small = (behind: TestModel["nodes"]): TestModel => {
    const rng = new Rng("files");
    const weight = (...shape: number[]) => ({
      shape,
      data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.1 * rng.normal()),
    });
    return {
      input: ["N", 1, 28, 28],
      nodes: [
        { op: "Conv", in: ["x", "conv.weight"], out: "c", attributes: { strides: [5, 5] } },
        { op: "Relu", in: ["c"], out: "r" },
        { op: "Flatten", in: ["r"], out: "f" },
        { op: "Gemm", in: ["f", "fcOut.weight"], out: behind.length === 0 ? "out" : "logits" },
        ...behind,
      ],
      constants: { "conv.weight": weight(4, 1, 4, 4), "fcOut.weight": weight(100, 10) },
    };
  };
  const write = (name: string, bytes: Uint8Array): void => writeFileSync(bench.file(name), bytes);

  it("values beside the file are taken along; elsewhere they are refused", async () => {
    const message = messageOf(small([]));
    const [first] = message.graph.initializer!;
    const raw = first.rawData!;
    delete first.rawData;
    first.dataLocation = 1;
    first.externalData = [{ key: "location", value: "beside.data" }];
    write("beside.onnx", encodeModel(message));
    write("inside.onnx", modelBytes(small([])));
    const missing = await bench.run("eval", "beside.onnx", "--data", "digits");
    expect(missing).toMatchObject({
      code: expect.not.stringMatching(/^0$/),
      stderr: expect.stringContaining("beside.data"),
    });
    write("beside.data", raw);
    const found = await bench.json<{ top1: number }>("eval", "beside.onnx", "--data", "digits");
    expect(found.top1).toBe((await bench.json<{ top1: number }>("eval", "inside.onnx", "--data", "digits")).top1);
    const alone = await bench.json<{ weightsSha256: string }>(
      "train",
      "--model",
      "beside.onnx",
      ...SMALL,
      "--epochs",
      "1",
      "--out",
      "runs/beside",
    );
    const settings = { model: "beside.onnx", limit: 400, testLimit: 200, epochs: 1 };
    write("plan.json", Buffer.from(JSON.stringify({ settings, runs: { one: {} } })));
    const { results } = await bench.json<{ results: { status: string; summary: { weightsSha256: string } }[] }>(
      "sweep",
      "plan.json",
      "--out",
      "swept",
    );
    expect(results).toMatchObject([{ status: "done", summary: { weightsSha256: alone.weightsSha256 } }]);
    // The run stands without them.
    write("beside.data", new Uint8Array(0));
    await bench.json("eval", "runs/beside");
    for (const place of ["../beside.data", "/elsewhere.data", "a/../../beside.data"]) {
      first.externalData = [{ key: "location", value: place }];
      write("elsewhere.onnx", encodeModel(message));
      const { code, stderr } = await bench.run("summary", "elsewhere.onnx");
      expect(code).not.toBe(0);
      expect(stderr).toContain(`external data; expected files beside it or below, got ${place}`);
    }
  });

  it("a softmax at the end is left out with a word, and the run is packed", async () => {
    write("ends.onnx", modelBytes(small([{ op: "Softmax", in: ["logits"], attributes: { axis: 1 } }])));
    const { code, stderr } = await bench.run(
      "train",
      "--model",
      "ends.onnx",
      ...SMALL,
      "--epochs",
      "1",
      "--out",
      "runs/ends",
    );
    expect(stderr).toMatch(/ends\.onnx: .*\(Softmax\): left out, since training and packed models end in logits/);
    expect(code).toBe(0);
    expect(existsSync(bench.file("runs/ends/model.cgm"))).toBe(true);
    const told = [expect.stringMatching(/ends\.onnx: .*\(Softmax\): left out/)];
    for (const words of [
      ["summary", "ends.onnx"],
      ["eval", "ends.onnx", "--data", "digits", "--limit", "20"],
    ]) {
      expect(await bench.json(...words)).toMatchObject({ notes: told });
      expect((await bench.run(...words)).stderr).toMatch(/\(Softmax\): left out/);
    }
    expect(await bench.json("summary", "runs/ends")).not.toHaveProperty("notes");
  });

  it("what cannot be packed is refused before anything trains", async () => {
    write("exp.onnx", modelBytes(small([{ op: "Exp", in: ["logits"] }])));
    const { code, stderr } = await bench.run(
      "train",
      "--model",
      "exp.onnx",
      ...SMALL,
      "--epochs",
      "1",
      "--out",
      "runs/no",
    );
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/exp/i);
    expect(existsSync(bench.file("runs/no/metrics.jsonl"))).toBe(false);
  });

  it("--output takes one of several", async () => {
    const message = messageOf(small([{ op: "Relu", in: ["logits"] }]));
    message.graph.output!.push({ ...message.graph.output![0], name: "logits" });
    write("two.onnx", encodeModel(message));
    const refused = await bench.run("summary", "two.onnx");
    expect(refused.stderr).toMatch(
      /two\.onnx: outputs; expected one, got out, logits; say which one is wanted: (--)?output/,
    );
    await bench.json("summary", "two.onnx", "--output", "logits");
    await bench.json("eval", "two.onnx", "--data", "digits", "--output", "logits");
    await bench.json(
      "train",
      "--model",
      "two.onnx",
      "--output",
      "logits",
      ...SMALL,
      "--epochs",
      "1",
      "--out",
      "runs/two",
    );
    await bench.json("eval", "runs/two");
    const unknown = await bench.run("summary", "two.onnx", "--output", "third");
    expect(unknown.stderr).toMatch(/two\.onnx: output; expected out or logits, got third/);
    const other = await bench.run("eval", "runs/float", "--output", "logits");
    expect(other.stderr).toMatch(/output: not for this kind of model; expected an ONNX file/);
    const builtIn = await bench.run("train", "--model", "mlp", "--output", "logits", ...SMALL, "--out", "runs/three");
    expect(builtIn.stderr).toMatch(/--output: not for this network; expected --model FILE\.onnx, got mlp/);
  });
});
