/** @file torchvision's ResNet-18 as it is downloaded: its names, its layout, weights of 16 bits, in both kinds of files. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { writeSafetensors } from "../../src/io/safetensors.js";
import { resnet18 } from "../../src/models/index.js";
import { pytorchOf, type TorchTensor } from "../io/pytorch-of.js";
import { Workbench } from "./run.js";

/** The half next to a float32, towards 0, by its bits; what is too small is 0. */
function halfOf(bits: number): number {
  const exponent = ((bits >>> 23) & 255) - 112;
  return exponent <= 0 ? 0 : ((bits >>> 16) & 0x8000) | (exponent << 10) | ((bits >>> 13) & 1023);
}

interface Halves {
  readonly shape: number[];
  readonly halves: Uint16Array;
  /** The same numbers. */
  readonly wide: Float32Array;
}

function halved(shape: readonly number[], data: Float32Array): Halves {
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const halves = Uint16Array.from(bits, halfOf);
  const wide = Float32Array.from(halves, (half) => {
    const exponent = (half >> 10) & 31;
    return half === 0 ? 0 : (half & 0x8000 ? -1 : 1) * 2 ** (exponent - 15) * (1 + (half & 1023) / 1024);
  });
  return { shape: [...shape], halves, wide };
}

/** A safetensors file of halves, and counts as PyTorch's batch norms keep them. */
function halfFile(state: ReadonlyMap<string, Halves>, counts: readonly string[]): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  const parts: Uint8Array[] = [];
  let at = 0;
  const put = (name: string, dtype: string, shape: number[], data: Uint16Array | BigInt64Array): void => {
    header[name] = { dtype, shape, data_offsets: [at, at + data.byteLength] };
    parts.push(new Uint8Array(data.buffer));
    at += data.byteLength;
  };
  for (const [name, { shape, halves }] of state) put(name, "F16", shape, halves);
  for (const name of counts) put(name, "I64", [], BigInt64Array.of(7n));
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeUInt32LE(text.length);
  return Buffer.concat([length, text, ...parts]);
}

describe("torchvision's resnet18", () => {
  let bench: Workbench;
  const files = ["wide.safetensors", "wrapped.safetensors", "nested.pth"];
  beforeAll(async () => {
    bench = await Workbench.open();
    using net = resnet18({ classes: 2, rng: new Rng(3) });
    const entries = [...net.stateDict()].filter(([name]) => !name.endsWith("num_batches_tracked"));
    const state = new Map(entries.map(([name, a]) => [name, halved(a.shape, a.toTypedArray() as Float32Array)]));
    const counts = [...state.keys()]
      .filter((name) => name.endsWith("running_mean"))
      .map((name) => name.replace("running_mean", "num_batches_tracked"));
    const under = (prefix: string) => new Map([...state].map(([name, each]) => [prefix + name, each]));
    const wide = [...state].map(([name, { shape, wide: data }]) => ({ name, shape, data }));
    writeFileSync(bench.file("wide.safetensors"), writeSafetensors(wide, { format: "pt" }));
    const wrapped = counts.map((name) => `module.${name}`);
    writeFileSync(bench.file("wrapped.safetensors"), halfFile(under("module."), wrapped));
    const torch = new Map<string, TorchTensor>([
      ...[...state].map(([name, { shape, halves }]) => [name, { storage: "Half", shape, data: halves }] as const),
      ...counts.map((name) => [name, { storage: "Long", shape: [], data: BigInt64Array.of(7n) }] as const),
    ]);
    writeFileSync(bench.file("nested.pth"), pytorchOf(torch, ["model_state_dict"]));
    for (const [name, shade] of [
      ["cat", 40],
      ["dog", 200],
    ] as const) {
      mkdirSync(bench.file("pets", name), { recursive: true });
      const pixels = Buffer.from(Array.from({ length: 48 * 40 * 3 }, (_, i) => (shade + ((i * i) % 91)) & 255));
      writeFileSync(bench.file("pets", name, "1.ppm"), Buffer.concat([Buffer.from("P6 48 40 255\n"), pixels]));
    }
  });
  afterAll(() => bench.close());

  it("holds the names of torchvision's file", () => {
    using net = resnet18({ classes: 1000 });
    const keys = [...net.stateDict().keys()];
    for (const key of [
      "conv1.weight",
      "bn1.running_var",
      "layer2.0.downsample.0.weight",
      "layer2.0.downsample.1.bias",
    ]) {
      expect(keys).toContain(key);
    }
    expect(net.stateDict().get("conv1.weight")?.shape).toEqual([64, 3, 7, 7]);
    expect(net.stateDict().get("fc.weight")?.shape).toEqual([1000, 512]);
    const parameters = [...net.parameters()].reduce((sum, { data }) => sum + data.size, 0);
    // As torchvision counts them.
    expect(parameters).toBe(11_689_512);
  });

  it("is the same network from halves as from the floats that they are", async () => {
    const answers: string[] = [];
    for (const file of files) {
      const weights = [file, "--model", "resnet18", "--data", "imagefolder:pets"];
      const { top1, top5 } = await bench.json<{ top1: number; top5: number }>("eval", ...weights);
      await bench.json("export", ...weights, "--out", "net.onnx");
      answers.push(`${top1} ${top5} ${readFileSync(bench.file("net.onnx")).toString("base64")}`);
    }
    for (const answer of answers) expect(answer === answers[0]).toBe(true);
  });

  it("starts a run", async () => {
    const digests: string[] = [];
    for (const file of ["wide.safetensors", "nested.pth"]) {
      const images = ["--data", "imagefolder:pets", "--image-size", "32", "--normalize", "imagenet", "--workers", "0"];
      const settings = ["--model", "resnet18", "--bits", "4W4A", "--method", "ptq", "--init", file, "--batch", "2"];
      await bench.json("train", ...settings, ...images, "--out", "run", "--force");
      digests.push(readFileSync(bench.file("run", "model.cgm")).toString("base64"));
    }
    expect(new Set(digests).size).toBe(1);
  });

  it("a last layer of other classes is refused by its name and shapes", async () => {
    const folder = bench.file("three");
    for (const name of ["a", "b", "c"]) {
      mkdirSync(`${folder}/${name}`, { recursive: true });
      writeFileSync(`${folder}/${name}/1.pgm`, "P2 1 1 255 7");
    }
    const other = await bench.run("eval", "nested.pth", "--model", "resnet18", "--data", "imagefolder:three");
    expect(other.code).not.toBe(0);
    expect(other.stderr).toContain("fc.weight");
    expect(other.stderr).toMatch(/\[3,512\].*\[2,512\]/s);
  });
});
