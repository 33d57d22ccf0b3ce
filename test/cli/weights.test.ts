/** @file Float weights as others write them: one network in several layouts, through every command that takes them. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { type SafeEntry, writeSafetensors } from "../../src/io/safetensors.js";
import { lenet5 } from "../../src/models/index.js";
import { save } from "../../src/train/index.js";
import { pytorchOf, type TorchTensor } from "../io/pytorch-of.js";
import { Workbench } from "./run.js";

const pickled = JSON.parse(readFileSync(path.join(import.meta.dirname, "../fixtures/pytorch.json"), "utf8")).files;

type Layout = (entry: SafeEntry) => SafeEntry;
const KEY = "fc1.weight";
const [CHANNELS, SIDE] = [64, 4];

/** A linear layer's columns from rows, columns, channels to PyTorch's channels, rows, columns. */
const torchColumns: Layout = (entry) => {
  if (!entry.name.endsWith(KEY)) return entry;
  const own = entry.data as Float32Array;
  const data = new Float32Array(own.length);
  const width = CHANNELS * SIDE * SIDE;
  for (let o = 0; o < own.length / width; o++) {
    for (let c = 0; c < CHANNELS; c++) {
      for (let y = 0; y < SIDE; y++) {
        for (let x = 0; x < SIDE; x++) {
          data[o * width + (c * SIDE + y) * SIDE + x] = own[o * width + (y * SIDE + x) * CHANNELS + c];
        }
      }
    }
  }
  return { ...entry, data };
};

/** Kernels [O,I,H,W] as MLX has them, [O,H,W,I]. */
const mlxKernels: Layout = (entry) => {
  if (entry.shape.length !== 4) return entry;
  const [O, I, H, W] = entry.shape;
  const own = entry.data as Float32Array;
  const data = new Float32Array(own.length);
  for (let o = 0; o < O; o++) {
    for (let i = 0; i < I; i++) {
      for (let y = 0; y < H; y++) {
        for (let x = 0; x < W; x++) data[((o * H + y) * W + x) * I + i] = own[((o * I + i) * H + y) * W + x];
      }
    }
  }
  return { ...entry, shape: [O, H, W, I], data };
};

const named =
  (prefix: string): Layout =>
  (entry) => ({ ...entry, name: prefix + entry.name });

describe("weights of others", () => {
  let bench: Workbench;
  const files = ["own", "saved", "pt", "compiled", "mlx", "np", "flax", "torch.pt", "lightning.ckpt"];
  /** With its ending, which is that of safetensors unless another is said. */
  const fileOf = (name: string) => (name.includes(".") ? name : `${name}.safetensors`);
  beforeAll(async () => {
    bench = await Workbench.open();
    using net = lenet5({ rng: new Rng(11) });
    const own: SafeEntry[] = [...net.stateDict()].map(([name, a]) => ({
      name,
      shape: [...a.shape],
      data: a.toTypedArray() as Float32Array,
    }));
    const write = (file: string, format: string | null, ...layouts: Layout[]) => {
      const entries = layouts.reduce((list, layout) => list.map(layout), own);
      writeFileSync(bench.file(`${file}.safetensors`), writeSafetensors(entries, format === null ? {} : { format }));
    };
    write("own", null);
    write("pt", "pt", torchColumns);
    write("compiled", "pt", torchColumns, named("_orig_mod."));
    write("mlx", "mlx", mlxKernels);
    write("np", "np");
    write("flax", "flax", named("module."));
    writeFileSync(bench.file("saved.safetensors"), save(net));
    const stored = (prefix: string, under: string[]): Uint8Array => {
      const entries = own
        .map(torchColumns)
        .map(({ name, shape, data }): [string, TorchTensor] => [
          prefix + name,
          { storage: "Float", shape, data: data as Float32Array },
        ]);
      return pytorchOf(new Map(entries), under);
    };
    writeFileSync(bench.file("torch.pt"), stored("", []));
    writeFileSync(bench.file("lightning.ckpt"), stored("model._orig_mod.", ["state_dict"]));
  });
  afterAll(() => bench.close());

  it("are the same network to export, eval and summary", async () => {
    const answers = [];
    for (const file of files) {
      const weights = ["--model", "lenet5", "--data", "digits"];
      const given = fileOf(file);
      const exported = await bench.run("export", given, ...weights, "--out", `${file}.onnx`);
      expect(exported.stderr).not.toContain("Error");
      const evaluated = await bench.run("eval", given, ...weights, "--limit", "40", "--json");
      const { top1, top5 } = JSON.parse(evaluated.stdout) as { top1: number; top5: number };
      const summary = await bench.run("summary", given, ...weights, "--json");
      const { model: _, ...told } = JSON.parse(summary.stdout) as { model: string };
      answers.push({ onnx: readFileSync(bench.file(`${file}.onnx`)).toString("base64"), top1, top5, told });
      // Only who says nothing leaves a doubt.
      expect(evaluated.stderr.includes("does not say who wrote it")).toBe(file === "own");
    }
    for (const answer of answers.slice(1)) expect(answer).toEqual(answers[0]);
  });

  it("are the same network to start a run from", async () => {
    const digests = [];
    for (const file of files) {
      const settings = [
        "--model",
        "lenet5",
        "--data",
        "digits",
        "--bits",
        "4W4A",
        "--method",
        "ptq",
        "--normalize",
        "none",
      ];
      const limits = ["--limit", "64", "--test-limit", "32"];
      const made = await bench.run("train", ...settings, ...limits, "--init", fileOf(file), "--out", `run-${file}`);
      expect(made).toMatchObject({ code: 0 });
      digests.push(readFileSync(bench.file(`run-${file}`, "model.cgm")).toString("base64"));
    }
    expect(new Set(digests).size).toBe(1);
  });

  it("are refused with the name of the tensor that is not read, or of the kind of file", async () => {
    const header = '{"fc1.weight":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}';
    const bytes = Buffer.concat([Buffer.from([header.length, 0, 0, 0, 0, 0, 0, 0]), Buffer.from(header), Buffer.of(0)]);
    const kinds: [string, Uint8Array, string][] = [
      ["eight.safetensors", bytes, "tensor fc1.weight: element type; expected floats, got F8_E4M3"],
      ["cut.pt", Buffer.from("504b03040000080800000000", "hex"), "cut.pt: not a PyTorch archive"],
      ["module.pt", Buffer.from(pickled.module, "base64"), "torch.save(model.state_dict()"],
      ["evil.pt", Buffer.from(pickled.evil, "base64"), "expected tensors and plain values alone, got posix.system"],
      ["other.pth", Buffer.from("80027d7100752e01", "hex"), "got a pickle that torch.save did not write"],
      [
        "old.pth",
        Buffer.from("80028a0a6cfc9c46f9206aa850192e", "hex"),
        "old.pth: pickle: beginning; expected a protocol",
      ],
      ["cut short.pt", Buffer.from("00000000000000000000", "hex"), "got a file that torch.save did not write"],
      ["net.h5", Buffer.from("894844460d0a1a0a00", "hex"), "got an HDF5 file"],
      ["net.npz", Buffer.from("504b0304000000000000", "hex"), "readNpz"],
    ];
    for (const [file, contents, message] of kinds) {
      writeFileSync(bench.file(file), contents);
      const { code, stderr } = await bench.run("eval", file, "--model", "lenet5", "--data", "digits");
      expect(code).not.toBe(0);
      expect(stderr).toContain(message);
    }
  });
});
