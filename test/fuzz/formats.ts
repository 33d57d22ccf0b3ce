/**
 * @file The table of what is fuzzed: a name, good files, and a reader. Other modules register by a row of their own.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { encode } from "fast-png";
import jpeg from "jpeg-js";
import type { Rng } from "../../src/core/rng.js";
import { readPacked, writePacked } from "../../src/format/index.js";
import {
  readCifar10,
  readIdx,
  readNpy,
  readNpz,
  readPyTorch,
  readSafetensors,
  readTar,
  readWav,
  writeIdx,
  writeNpy,
  writeSafetensors,
  writeWav,
} from "../../src/io/index.js";
import { inflate } from "../../src/io/inflate.js";
import { readJson } from "../../src/io/json.js";
import { lenet5 } from "../../src/models/index.js";
import { decodeImage } from "../../src/node/images/picture.js";
import { exportOnnx, importOnnx } from "../../src/onnx/index.js";
import { loadCheckpoint } from "../../src/train/checkpoint.js";
import { randomModel } from "../format/models.js";
import { tarOf } from "../io/tar-of.js";

/** One format: `make` gives a good file, `read` a value or an error of the library. */
export interface FuzzFormat {
  make(rng: Rng): Uint8Array;
  read(bytes: Uint8Array): unknown;
}

const text = (value: string) => new TextEncoder().encode(value);
const npz = JSON.parse(readFileSync(path.join(import.meta.dirname, "../fixtures/npz.json"), "utf8"));
const pytorch = JSON.parse(readFileSync(path.join(import.meta.dirname, "../fixtures/pytorch.json"), "utf8")).files;
const LIMITS = { maxPixels: 1_000_000 };
let onnx: Uint8Array | undefined;

export const FORMATS: Readonly<Record<string, FuzzFormat>> = {
  idx: { make: () => writeIdx([2, 3, 3], new Uint8Array(18)), read: (bytes) => readIdx(bytes) },
  cifar: { make: () => new Uint8Array(2 * 3073), read: (bytes) => readCifar10(bytes) },
  npy: { make: () => writeNpy([2, 3], new Float64Array(6)), read: (bytes) => readNpy(bytes) },
  safetensors: {
    make: () => writeSafetensors([{ name: "a", shape: [3], data: Float32Array.of(1, 2, 3) }], { format: "pt" }),
    read: (bytes) => readSafetensors(bytes),
  },
  checkpoint: {
    make: () => {
      const metadata = { format: "coarsegrad-checkpoint", version: "1", config_hash: "x", epoch: "1", step: "2" };
      const rest = { config: '{"a":[1]}', optimizer: "{}", rngs: '{"a":[1,2]}', default_rng: "[1,2,3,4]" };
      return writeSafetensors([{ name: "model.a", shape: [2], data: new Float32Array(2) }], { ...metadata, ...rest });
    },
    read: (bytes) => loadCheckpoint(bytes),
  },
  cgm: {
    make: (rng) => {
      const { plan, data } = randomModel(rng, 5);
      return writePacked(plan, data);
    },
    read: (bytes) => readPacked(bytes),
  },
  npz: {
    make: (rng) => new Uint8Array(Buffer.from(rng.int(2) === 0 ? npz.stored : npz.compressed, "base64")),
    read: (bytes) => readNpz(bytes),
  },
  pytorch: {
    make: (rng) => {
      const files = [pytorch.state, pytorch.checkpoint, pytorch.legacy, pytorch.legacyCheckpoint];
      return new Uint8Array(Buffer.from(files[rng.int(files.length)], "base64"));
    },
    read: (bytes) => readPyTorch(bytes),
  },
  tar: { make: () => tarOf({ "a/b": text("hello"), c: new Uint8Array(600) }), read: (bytes) => readTar(bytes) },
  wav: {
    make(rng) {
      const encodings = ["pcm8", "pcm16", "pcm24", "pcm32", "float32", "float64"] as const;
      return writeWav(new Float32Array(rng.int(9)), 8000, { encoding: encodings[rng.int(6)] });
    },
    read: (bytes) => readWav(bytes),
  },
  // The deflate stream inside, by the reader that npz uses.
  gz: {
    make: (rng) => gzipSync(Uint8Array.from({ length: 200 }, () => rng.int(4))),
    read: (bytes) => inflate(bytes.subarray(10, -8), 200),
  },
  onnx: {
    make: () => {
      if (onnx === undefined) {
        using net = lenet5({ size: 16 });
        onnx = exportOnnx(net, { inputShape: [16, 16, 1], inputType: "f32" }).slice();
      }
      return onnx;
    },
    read: (bytes) => importOnnx(bytes).dispose(),
  },
  png: {
    make: (rng) =>
      encode({ width: 6, height: 5, channels: 3, depth: 8, data: Uint8Array.from({ length: 90 }, () => rng.int(256)) }),
    read: (bytes) => decodeImage("fuzz", bytes, LIMITS),
  },
  jpeg: {
    make: () => new Uint8Array(jpeg.encode({ width: 16, height: 16, data: Buffer.alloc(1024, 77) }, 80).data),
    read: (bytes) => decodeImage("fuzz", bytes, LIMITS),
  },
  pnm: { make: () => text("P2 3 2 9\n1 2 3 4 5 6\n"), read: (bytes) => decodeImage("fuzz", bytes, LIMITS) },
  json: {
    make: () => text('{"a":[1,2,{"b":"c\\"d"}],"e":null,"f":{"g":1e5}}'),
    read: (bytes) => readJson(new TextDecoder().decode(bytes), "fuzz", ""),
  },
};
