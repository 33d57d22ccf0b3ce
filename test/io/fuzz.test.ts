/**
 * @file Ten thousand broken files: every reader gives a value or a FormatError, soon, and looks at nothing outside its
 * bytes.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { FormatError, MemoryError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { sizeOf } from "../../src/core/shape.js";
import { readPacked, writePacked } from "../../src/format/index.js";
import { createSession } from "../../src/infer/index.js";
import { readNpy, readNpz, readSafetensors, writeNpy, writeSafetensors } from "../../src/io/index.js";
import { memory } from "../../src/kernels/engine.js";
import { randomModel } from "../format/models.js";
import { mutated } from "../fuzz/mutate.js";

afterEach(() => {
  expect(memory().arrays).toBe(0);
});

/**
 * The bytes in the middle of a larger buffer whose other bytes are known; what a reader changes or shows of those is an
 * offence.
 */
function embedded(bytes: Uint8Array): { part: Uint8Array; whole: Uint8Array } {
  const whole = new Uint8Array(bytes.length + 128).fill(0xa5);
  whole.set(bytes, 64);
  return { part: whole.subarray(64, 64 + bytes.length), whole };
}

/** Bytes of a packed model that runs; loading it makes a session, and the session runs an image. */
function runPacked(bytes: Uint8Array): void {
  const model = readPacked(bytes, "fuzz");
  // A change may ask for images that are merely large; those are not run here.
  if ([...model.values.values()].some(({ shape }) => sizeOf(shape) > 1e5)) return;
  if (model.plan.nodes.some((node) => "kernel" in node && node.kernel[0] * node.kernel[1] > 1e4)) return;
  using session = createSession(model, { maxBatch: 1 });
  const size = sizeOf(model.plan.input.shape);
  session.run(model.plan.input.dtype === "u8" ? new Uint8Array(size) : new Float32Array(size));
}

const fixture = JSON.parse(readFileSync(path.join(import.meta.dirname, "../fixtures/npz.json"), "utf8"));
const base64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));

const FORMATS: [string, (bytes: Uint8Array) => unknown, (rng: Rng) => Uint8Array, number][] = [
  [
    ".cgm",
    runPacked,
    (rng) => {
      const { plan, data } = randomModel(rng, 6);
      return writePacked(plan, data);
    },
    3500,
  ],
  [
    "safetensors",
    (bytes) => readSafetensors(bytes, "fuzz"),
    () =>
      writeSafetensors(
        [
          { name: "a", shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
          { name: "b.c", shape: [], data: BigInt64Array.of(5n) },
          { name: "d", shape: [0, 4], data: new Uint8Array(0) },
          { name: "e", shape: [5], data: Int8Array.of(1, 2, 3, 4, 5) },
        ],
        { format: "pt", note: "x" },
      ),
    3000,
  ],
  [
    "npy",
    (bytes) => readNpy(bytes, "fuzz"),
    (rng) => {
      const rows = 1 + rng.int(4);
      return writeNpy(
        [2, rows, 3],
        Float64Array.from({ length: 6 * rows }, () => rng.normal()),
      );
    },
    2000,
  ],
  ["npz, stored", (bytes) => readNpz(bytes, "fuzz"), () => base64(fixture.stored), 500],
  ["npz, compressed", (bytes) => readNpz(bytes, "fuzz"), () => base64(fixture.compressed), 1000],
];

describe("mutated files", () => {
  it.each(FORMATS)("%s: a value or a typed error", (name, read, make, count) => {
    const results = { loaded: 0, refused: 0 };
    for (let seed = 0; seed < count; seed++) {
      const rng = new Rng(`${name} ${seed}`);
      const { part, whole } = embedded(mutated(make(rng), rng));
      const before = whole.slice();
      try {
        read(part);
        results.loaded++;
      } catch (error) {
        const known = error instanceof FormatError || error instanceof MemoryError;
        if (!known) throw new Error(`${name}, seed ${seed}: ${(error as Error).stack}`);
        results.refused++;
      }
      expect(Buffer.compare(whole, before), `seed ${seed}`).toBe(0);
    }
    expect(results.loaded + results.refused).toBe(count);
    expect(results.refused).toBeGreaterThan(count / 4);
  });

  it("are ten thousand", () => {
    expect(FORMATS.reduce((sum, [, , , count]) => sum + count, 0)).toBe(10_000);
  });
});
