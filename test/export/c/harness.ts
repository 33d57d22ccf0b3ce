/** @file Packed models as C, compiled in one program and run: every value beside the packed runtime's. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Rng } from "../../../src/core/rng.js";
import { sizeOf } from "../../../src/core/shape.js";
import { type CFiles, toC } from "../../../src/export/index.js";
import { readPacked } from "../../../src/format/index.js";
import { createSession } from "../../../src/infer/index.js";

const boards = path.join(import.meta.dirname, "boards");
/** What the generated code has to pass without a word. */
export const WARNINGS = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-O2"];

/** Where a program runs, and how it is compiled for it. */
export interface Target {
  readonly compiler: string;
  readonly flags: readonly string[];
  /** Emulator and its arguments, before the program; null runs it as it is. */
  readonly emulator: readonly string[] | null;
}

const BARE = ["-nostartfiles", path.join(boards, "board.c"), "-Wl,--no-warn-rwx-segments"];
const QEMU = ["-display", "none", "-monitor", "none", "-serial", "none"];
const SEMIHOSTING = ["-semihosting-config", "enable=on,target=native", "-kernel"];
const SANITIZED = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
const HOST = path.join(boards, "host.c");

/** Targets by name. */
export const TARGETS = {
  gcc: { compiler: "gcc", flags: [HOST, "-DCOUNT_BITS=1", ...SANITIZED], emulator: null },
  "gcc, one by one": { compiler: "gcc", flags: [HOST, "-DCOUNT_BITS=0", ...SANITIZED], emulator: null },
  // Where there is an instruction that counts bits.
  clang: {
    compiler: "clang",
    flags: [HOST, "-DCOUNT_BITS=1", ...(process.arch === "x64" ? ["-mpopcnt"] : [])],
    emulator: null,
  },
  "Cortex-M4": {
    compiler: "arm-none-eabi-gcc",
    flags: ["-DCOUNT_BITS=1", "-mcpu=cortex-m4", "-mthumb", ...BARE, "-T", path.join(boards, "cortex-m4.ld")],
    emulator: ["qemu-system-arm", "-M", "mps2-an386", ...QEMU, ...SEMIHOSTING],
  },
  RV32: {
    compiler: "riscv64-unknown-elf-gcc",
    flags: [
      ...["--specs=picolibc.specs", "-DCOUNT_BITS=1", "-march=rv32imc", "-mabi=ilp32", ...BARE],
      ...["-T", path.join(boards, "rv32.ld")],
    ],
    emulator: ["qemu-system-riscv32", "-M", "virt", "-bios", "none", ...QEMU, ...SEMIHOSTING],
  },
} as const satisfies Record<string, Target>;

/** Inputs that a model may be given: bytes for codes, or reals with zeros of both signs among them. */
export function inputsFor(rng: Rng, bytes: Uint8Array, count: number): Uint8Array | Float32Array {
  const { input } = readPacked(bytes).plan;
  const length = count * sizeOf(input.shape);
  if (input.dtype === "u8") return Uint8Array.from({ length }, () => rng.int(256));
  return Float32Array.from({ length }, () => (rng.int(20) === 0 ? -0 : rng.range(-3, 3)));
}

/** The C of one model, and what calls it. */
function driver(name: string, bytes: Uint8Array, { output }: CFiles): string {
  const upper = name.toUpperCase();
  const input = readPacked(bytes).plan.input.dtype === "u8" ? "uint8_t" : "float";
  return `
#define ${upper}_POPCOUNT COUNT_BITS
#define ${upper}_TRACE(layer, codes, n) put(codes, n)
#define ${upper}_TRACE_VALUES(layer, values, n) put(values, 4 * (n))
#include "${name}.c"

static void run_${name}(void)
{
  static ${input} input[${upper}_INPUT_SIZE];
  static ${output} output[${upper}_OUTPUT_SIZE];
  uint32_t count = 0;
  if (!get(&count, sizeof count)) return;
  while (count-- > 0) {
    if (!get(input, sizeof input)) return;
    ${name}_run(input, output);
    const int32_t top = ${name}_top1(output);
    put(output, sizeof output);
    put(&top, sizeof top);
  }
}
`;
}

/** A program of several models. */
export class CProgram {
  readonly #folder: string;
  readonly #models: readonly { readonly bytes: Uint8Array; readonly files: CFiles }[];
  readonly #target: Target;
  readonly #file: string;

  /** Writes the C into `folder` and compiles it. @throws what the compiler says */
  constructor(folder: string, models: readonly Uint8Array[], target: Target) {
    this.#folder = folder;
    this.#target = target;
    mkdirSync(folder, { recursive: true });
    this.#models = models.map((bytes, i) => ({ bytes, files: toC(bytes, { name: `n${i}` }) }));
    const drivers = this.#models.map(({ bytes, files }, i) => {
      for (const [file, text] of Object.entries(files.files)) writeFileSync(path.join(folder, file), text);
      return driver(`n${i}`, bytes, files);
    });
    const calls = models.map((_, i) => `  run_n${i}();`);
    const io = path.join(import.meta.dirname, "io.h");
    const head = ["#include <stddef.h>", "#include <stdint.h>", `#include "${io}"`];
    writeFileSync(
      path.join(folder, "all.c"),
      [...head, ...drivers, "void run_all(void)", "{", ...calls, "}", ""].join("\n"),
    );
    this.#file = path.join(folder, "all");
    const arguments_ = [...WARNINGS, ...target.flags, path.join(folder, "all.c"), "-o", this.#file];
    execFileSync(target.compiler, arguments_, { stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
  }

  /** Runs every model on its inputs. @returns everything that was written */
  #run(inputs: readonly (Uint8Array | Float32Array)[]): Buffer {
    const sent = Buffer.concat(
      inputs.flatMap((input, i) => {
        const size = sizeOf(readPacked(this.#models[i].bytes).plan.input.shape);
        const count = Buffer.from(Uint32Array.of(input.length / size).buffer);
        return [count, Buffer.from(input.buffer, input.byteOffset, input.byteLength)];
      }),
    );
    const options = { cwd: this.#folder, maxBuffer: 2 ** 31 - 1, timeout: 600_000 };
    if (this.#target.emulator === null) return execFileSync(this.#file, [], { ...options, input: sent });
    const [program, ...first] = this.#target.emulator;
    writeFileSync(path.join(this.#folder, "in.bin"), sent);
    rmSync(path.join(this.#folder, "out.bin"), { force: true });
    execFileSync(program, [...first, this.#file], { ...options, stdio: ["ignore", "ignore", "pipe"] });
    return readFileSync(path.join(this.#folder, "out.bin"));
  }

  /**
   * Compares all values with the packed runtime's.
   * @returns how many values were equal, and the first difference, or null
   */
  compare(inputs: readonly (Uint8Array | Float32Array)[]): { equal: number; difference: string | null } {
    const got = this.#run(inputs);
    let at = 0;
    let equal = 0;
    for (const [i, { bytes, files }] of this.#models.entries()) {
      for (const { what, values } of expectedOf(bytes, files, inputs[i])) {
        const part = got.buffer.slice(got.byteOffset + at, got.byteOffset + at + values.byteLength);
        if (part.byteLength < values.byteLength) return { equal, difference: `model ${i}, ${what}: nothing written` };
        at += values.byteLength;
        const found = new (values.constructor as Uint8ArrayConstructor)(part);
        const wrong = values.findIndex((value, j) => !Object.is(value, found[j]));
        if (wrong >= 0) {
          const pair = `expected ${values[wrong]}, got ${found[wrong]}`;
          return { equal, difference: `model ${i}, ${what}, element ${wrong}: ${pair}` };
        }
        equal += values.length;
      }
    }
    return { equal, difference: at === got.length ? null : `${got.length - at} bytes too many` };
  }
}

interface Expected {
  readonly what: string;
  readonly values: Uint8Array | Float32Array | Int32Array;
}

/** What a model's C writes, input by input: its layers, its outputs, the index of the largest. */
function* expectedOf(bytes: Uint8Array, { output }: CFiles, inputs: Uint8Array | Float32Array): Generator<Expected> {
  using session = createSession(bytes, { maxBatch: 8 });
  const { plan } = session;
  const size = sizeOf(session.inputShape);
  const outSize = sizeOf(session.outputShape);
  const sums = new Set<string>(output === "int32_t" ? sumIds(plan.nodes, plan.output) : []);
  for (let first = 0; first < inputs.length; first += 8 * size) {
    const part = inputs.subarray(first, first + 8 * size);
    const layers: { id: string; data: Uint8Array | Float32Array; each: number }[] = [];
    const outputs = session.runTraced(part, ({ id, op, data, count }) => {
      if (op !== "input" && !sums.has(id)) layers.push({ id, data, each: data.length / count });
    });
    const best = session.predict(part);
    const scale = scaleOf(bytes, output);
    for (let n = 0; n < part.length / size; n++) {
      for (const { id, data, each } of layers) {
        yield { what: `input ${first / size + n}, ${id}`, values: data.slice(n * each, (n + 1) * each) };
      }
      const own = outputs.slice(n * outSize, (n + 1) * outSize);
      yield { what: `output ${n}`, values: output === "float" ? own : whole(own, scale, output) };
      yield { what: `top ${n}`, values: best.slice(n, n + 1) };
    }
  }
}

/** A layer behind the output, and what flattens it. */
function sumIds(nodes: readonly { op: string; id: string; input?: string }[], id: string): string[] {
  const node = nodes.find((other) => other.id === id);
  return node?.op === "flatten" ? [id, ...sumIds(nodes, node.input as string)] : [id];
}

/** What the header's `OUTPUT_SCALE` says. */
function scaleOf(bytes: Uint8Array, output: CFiles["output"]): number {
  if (output === "float") return 1;
  const header = toC(bytes, { name: "scaled" }).files["scaled.h"];
  return Math.fround(Number(/OUTPUT_SCALE (\S+)f$/m.exec(header)?.[1]));
}

/** Whole numbers that, scaled in f32, are the runtime's outputs, bit by bit. */
function whole(values: Float32Array, scale: number, type: CFiles["output"]): Uint8Array | Int32Array {
  const numbers = Array.from(values, (value) => Math.round(value / scale));
  numbers.forEach((number, i) => {
    if (!Object.is(Math.fround(number * scale) + 0, values[i])) throw new Error(`${values[i]} is no multiple`);
  });
  return type === "uint8_t" ? Uint8Array.from(numbers) : Int32Array.from(numbers);
}
