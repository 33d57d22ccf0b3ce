/**
 * @file Damaged files: each is read or refused by a typed error; nothing crashes, hangs, leaks or reads outside the
 * bytes.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { Tensor } from "../../src/autograd/tensor.js";
import { CoarsegradError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { memory } from "../../src/kernels/index.js";
import { scope } from "../../src/memory/scope.js";
import { lenet5, mlp } from "../../src/models/index.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { exportOnnx, importOnnx } from "../../src/onnx/index.js";
import { modelBytes } from "./graphs.js";

const FILES = 10_000;
const GUARD = 64;

/** Small valid files that use every part of the format. */
function seeds(): Uint8Array[] {
  const folder = path.join(import.meta.dirname, "../fixtures/onnx");
  using net = mlp({ sizes: [12, 5, 3], rng: new Rng(1) });
  const files = [
    ...["plain", "residual", "branches"].map((name) => new Uint8Array(readFileSync(path.join(folder, `${name}.onnx`)))),
    exportOnnx(net, { inputShape: [2, 3, 2], inputType: "f32" }),
    modelBytes({
      opset: 18,
      input: ["N", 2, 5, 4],
      nodes: [
        { op: "Conv", in: ["x", "w"], out: "c", attributes: { pads: [1, 0, 1, 0], strides: [2, 1], group: 2 } },
        { op: "AveragePool", in: ["c"], out: "p", attributes: { kernel_shape: [2, 2], auto_pad: "SAME_UPPER" } },
        { op: "Softmax", in: ["p"], out: "s", attributes: { axis: 1 } },
        { op: "Concat", in: ["p", "s"], out: "j", attributes: { axis: 1 } },
        { op: "Reshape", in: ["j", "to"], out: "f" },
        { op: "MatMul", in: ["f", "m"], out: "y" },
        { op: "Add", in: ["y", "b"] },
      ],
      constants: {
        w: { shape: [2, 1, 3, 2], data: Array.from({ length: 12 }, (_, i) => i / 7) },
        to: { shape: [2], data: [0, -1], ints: true },
        m: { shape: [36, 2], data: Array.from({ length: 72 }, (_, i) => i / 9) },
        b: { shape: [2], data: [1, 2] },
      },
    }),
  ];
  return files.sort((a, b) => a.length - b.length);
}

/**
 * One to four changes: flipped bits, other bytes, parts cut out, doubled, or replaced by parts of another file; cut
 * ends.
 */
function mutated(bytes: Uint8Array, other: Uint8Array, rng: Rng): Uint8Array {
  let list: Uint8Array = bytes.slice();
  for (let n = 1 + rng.int(4); n > 0 && list.length > 0; n--) {
    // Most of a file is weights: the graph at the front and the small fields deserve most of the damage.
    const at = rng.int(rng.int(3) === 0 ? list.length : Math.min(list.length, 400));
    const end = at + 1 + rng.int(12);
    switch (rng.int(7)) {
      case 0:
        list[at] ^= 1 << rng.int(8);
        break;
      case 1:
        list[at] = rng.int(256);
        break;
      case 2:
        list = joined(list.subarray(0, at), list.subarray(end));
        break;
      case 3:
        list = joined(list.subarray(0, end), list.subarray(at));
        break;
      case 4: {
        const from = at % other.length;
        list = joined(list.subarray(0, at), other.subarray(from, from + end - at), list.subarray(end));
        break;
      }
      case 5:
        list[at] = [0, 1, 127, 128, 255][rng.int(5)];
        break;
      default:
        if (rng.int(4) === 0) list = list.slice(0, at);
        else list[at] += rng.int(2) === 0 ? 1 : 255;
    }
  }
  return list;
}

function joined(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** What importing gives: "read", or the error's text. Anything but a typed error is a failure. */
function outcome(bytes: Uint8Array, what: string, run: boolean): string {
  try {
    using net = importOnnx(bytes, { file: "fuzz.onnx" });
    const size = net.inputShape.reduce((a, b) => a * b, 1);
    if (run && size <= 2000) {
      scope(() => {
        net.eval().forward(new Tensor(NDArray.zeros([1, ...net.inputShape])));
      });
    }
    return "read";
  } catch (error) {
    if (!(error instanceof CoarsegradError)) throw new Error(`${what}: ${(error as Error).stack}`);
    return error.message;
  }
}

it(`${FILES} damaged files are read or refused, wherever their bytes lie`, () => {
  const rng = new Rng("onnx fuzz");
  const originals = seeds();
  const before = memory();
  let read = 0;
  const refusals = new Set<string>();
  for (let n = 0; n < FILES; n++) {
    // The larger files, which come last, are rarer: they take longest and show least.
    const own = originals[n % 16 === 0 ? originals.length - 1 : n % (originals.length - 1)];
    const bytes = mutated(own, originals[rng.int(originals.length)], rng);
    const found = outcome(bytes, `file ${n}`, n % 10 === 0);
    if (found === "read") read++;
    else refusals.add(found.replace(/[\d".,[\]]+/g, "#").slice(0, 60));
    if (n % 5 === 0) {
      // The same bytes inside others: what is around them must not matter.
      const around = Uint8Array.from({ length: bytes.length + 2 * GUARD }, () => rng.int(256));
      around.set(bytes, GUARD);
      expect(outcome(around.subarray(GUARD, GUARD + bytes.length), `file ${n} inside others`, false)).toBe(found);
    }
  }
  expect(memory()).toMatchObject({ arrays: before.arrays, bytes: before.bytes });
  // Neither everything refused nor everything read, and many kinds of damage noticed.
  expect(read).toBeGreaterThan(FILES / 50);
  expect(FILES - read).toBeGreaterThan(FILES / 10);
  expect(refusals.size).toBeGreaterThan(100);
});

it("every shorter part of a file is refused", () => {
  using net = lenet5({ rng: new Rng(1), size: 16 });
  const bytes = exportOnnx(net, { inputShape: [16, 16, 1], inputType: "f32" });
  for (let length = 0; length < 3000; length++) {
    expect(outcome(bytes.subarray(0, length), `${length} bytes`, false)).not.toBe("read");
  }
});
