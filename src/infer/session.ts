/** @file Sessions: a packed model loaded and run on images. */
import { largestAt } from "../codes/ranking.js";
import { anything, callable, check, checkOptions, describe, flag, integer, record, text } from "../core/checks.js";
import { ArgumentError, DisposedError, MemoryError, ScopeError } from "../core/errors.js";
import { sizeOf } from "../core/shape.js";
import { kindOf } from "../core/typed-arrays.js";
import { type PackedModel, workOf } from "../format/model.js";
import { INPUT_ID, type Plan, type PlanNode } from "../format/plan.js";
import { openPacked } from "../format/read.js";
import type { ValueType } from "../format/values.js";
import type { Ptr } from "../kernels/abi.js";
import { heap } from "../kernels/engine.js";
import { provideRuntime } from "./init.js";
import { countImages, fillInput, type SessionInput } from "./input.js";
import { type Profile, profileProgram } from "./profile.js";
import { type Listener, Program } from "./program.js";

/** Choices of {@link createSession}. */
export interface SessionOptions {
  /** Images that go through the network together; larger inputs are run in parts. Default 64, or what memory allows. */
  maxBatch?: number;
  /**
   * Takes the memory of a full batch at once and runs it `warmUp` times on zeros, so that the first real run meets compiled kernels and touched
   * memory. At most 1000; default 0: memory is taken by the first run.
   */
  warmUp?: number;
  /**
   * Runs the end of a residual block (scale, batch norm, sum, staircase) in one pass. Default true. With false every node's value is written, so that
   * `runTraced` and `codes` see all of them; the results are the same.
   */
  fuse?: boolean;
  /** The file's name for messages. Default "packed model". */
  file?: string;
  /** What the model may ask for: files from strangers may be small and yet ask for days. */
  limits?: SessionLimits;
}

const WARM_UPS = integer(0, 1000);

/** Limits of a session. */
export interface SessionLimits {
  /** Bytes of constants and batch memory, and of a run's outputs: 1 … 2^32. Default 2^31, 2 GiB. */
  memory?: number;
  /** Multiply-accumulates for one image; other layers count as the values that they write, pools as those that they read. Default 2^40. */
  work?: number;
}

/** One value of a run, copied out: codes if the node gives codes, else real numbers. */
export interface TracedValue {
  readonly id: string;
  readonly op: PlanNode["op"] | "input";
  readonly type: ValueType;
  readonly data: Uint8Array | Float32Array;
  /** Index of the first image of this part, and how many images it has. */
  readonly first: number;
  readonly count: number;
}

/** A packed model in the heap, ready to run. Lives until it is disposed of; scopes do not free it. */
export interface Session extends Disposable {
  readonly plan: Plan;
  /** Shape of one image. */
  readonly inputShape: readonly number[];
  /** Shape of one output. */
  readonly outputShape: readonly number[];
  /** Names of the classes, if the file holds them. */
  readonly classes: readonly string[] | undefined;
  /** Heap bytes that the session holds. */
  readonly bytes: number;
  /**
   * Runs images through the network. The heap's memory is laid out for the largest batch so far; runs within it take none.
   *
   * @param output where the outputs go, instead of a new array: then a run makes no array at all
   * @returns outputs [N, …outputShape], f32, owned by the caller
   * @throws ArgumentError if the input is not a whole number of images or holds what the model cannot take, or if `output` has another length;
   * MemoryError beyond `limits.memory`; ScopeError inside a `visit` of the same session; DisposedError
   */
  run(input: SessionInput, output?: Float32Array): Float32Array;
  /** Index of the largest output of each image; the first of equals. */
  predict(input: SessionInput): Int32Array;
  /** As {@link run}; `visit` gets every value that is written as it is computed, part by part. */
  runTraced(input: SessionInput, visit: (value: TracedValue) => void): Float32Array;
  /** Codes (or f32 values) of one node for all images. @throws ArgumentError on an unknown id */
  codes(input: SessionInput, id: string): Uint8Array | Float32Array;
  /**
   * Times every layer.
   *
   * @param options `input`: at most `maxBatch` images, default one of zeros; `runs`: how often, at most 10,000, default 20
   * @returns medians over the runs; meaningful after a few runs, when the engine has compiled the kernels: as many run first as are timed
   * @throws ArgumentError on a bad input or number of runs, DisposedError
   */
  profile(options?: { input?: SessionInput; runs?: number }): Profile;
  /** Frees the heap memory. A second call does nothing. @throws ScopeError inside a `visit` of its own */
  dispose(): void;
}

/**
 * Loads a packed model.
 *
 * @param model the file's bytes, or the object that `readPacked` made of them; not kept: edits of either change nothing
 * @returns a session, to be disposed of by the caller
 * @throws FormatError if the bytes are not a packed model; ArgumentError on another object, on a bad option or work beyond its limit; MemoryError
 * beyond that of memory. Nothing is kept then
 * @example
 * using session = createSession(bytes);
 * const logits = session.run(pixels); // Uint8Array of N·H·W·C
 */
export function createSession(
  model: Uint8Array | ArrayBufferLike | PackedModel,
  options: SessionOptions = {},
): Session {
  checkOptions("createSession", options, {
    maxBatch: integer(1),
    warmUp: WARM_UPS,
    fuse: flag,
    file: text,
    limits: record,
  });
  const { maxBatch, warmUp = 0, fuse = true, file, limits = {} } = options;
  checkOptions("createSession", limits, { memory: integer(1, 2 ** 32), work: integer(1) });
  const opened = openPacked("createSession", model, file);
  const { memory = 2 ** 31, work = 2 ** 40 } = limits;
  const asked = opened.plan.nodes.reduce((sum, node) => sum + workOf(node, opened.values), 0);
  if (asked > work) {
    throw new ArgumentError({
      op: file ?? "createSession",
      what: "work for one image is beyond the limit",
      expected: `at most ${work} multiply-accumulates`,
      got: `${asked}`,
      hint: "raise limits.work of createSession",
    });
  }
  provideRuntime();
  const session = new PackedSession(opened, maxBatch, fuse, memory);
  try {
    session.warmUp(warmUp);
    return session;
  } catch (error) {
    session.dispose();
    throw error;
  }
}

/** Images that go together unless said otherwise. */
const BATCH = 64;

class PackedSession implements Session {
  readonly #model: PackedModel;
  readonly #program: Program;
  readonly #maxBatch: number;
  readonly #limit: number;
  #alive = true;
  #busy = false;

  constructor(model: PackedModel, maxBatch: number | undefined, fuse: boolean, limit: number) {
    this.#model = model;
    this.#limit = limit;
    this.#program = new Program(model, fuse, limit);
    let batch = maxBatch ?? BATCH;
    while (maxBatch === undefined && batch > 1 && this.#program.bytesFor(batch) > limit) batch /= 2;
    this.#maxBatch = batch;
  }

  warmUp(runs: number): void {
    check("session.warmUp", "runs", runs, WARM_UPS);
    for (let run = 0; run < runs; run++) {
      this.#zeroInput(this.#maxBatch);
      this.#program.run(this.#maxBatch);
    }
  }

  #zeroInput(batch: number): void {
    const { shape, dtype } = this.#type(INPUT_ID);
    const bytes = batch * sizeOf(shape) * (dtype === "u8" ? 1 : 4);
    heap().u8(this.#program.reserve(batch).input, bytes).fill(0);
  }

  get plan(): Plan {
    return this.#model.plan;
  }
  #type(id: string): ValueType {
    return this.#model.values.get(id) as ValueType;
  }
  get inputShape(): readonly number[] {
    return this.#type(INPUT_ID).shape;
  }
  get outputShape(): readonly number[] {
    return this.#type(this.plan.output).shape;
  }
  get classes(): readonly string[] | undefined {
    return this.plan.classes;
  }
  get bytes(): number {
    return this.#program.bytes;
  }

  run(input: SessionInput, output?: Float32Array): Float32Array {
    return this.#run(input, undefined, output);
  }

  profile(options: { input?: SessionInput; runs?: number } = {}): Profile {
    checkOptions("session.profile", options, { input: anything, runs: integer(1, 10_000) });
    const { input, runs = 20 } = options;
    this.#enter();
    try {
      const count = input === undefined ? 1 : countImages(input, this.#type(INPUT_ID));
      if (count < 1 || count > this.#maxBatch) {
        const expected = `1 to ${this.#maxBatch}`;
        throw new ArgumentError({ op: "session.profile", what: "number of images", expected, got: `${count}` });
      }
      const fill = (): void => {
        if (input === undefined) this.#zeroInput(count);
        else fillInput(input, 0, count, this.#type(INPUT_ID), this.#program.reserve(count).input);
      };
      return profileProgram(this.#model, { program: this.#program, batch: count, runs, fill });
    } finally {
      this.#busy = false;
    }
  }

  runTraced(input: SessionInput, visit: (value: TracedValue) => void): Float32Array {
    check("session.runTraced", "visit", visit, callable);
    return this.#run(input, visit);
  }

  predict(input: SessionInput): Int32Array {
    const outputs = this.#run(input);
    const size = sizeOf(this.outputShape);
    return Int32Array.from({ length: outputs.length / size }, (_, n) => largestAt(outputs, n * size, size));
  }

  codes(input: SessionInput, id: string): Uint8Array | Float32Array {
    if (!this.#model.values.has(id)) {
      throw new ArgumentError({
        op: "session.codes",
        what: "unknown node",
        expected: [...this.#model.values.keys()].join(", "),
        got: typeof id === "string" ? id : describe(id),
      });
    }
    if (this.#program.inner.has(id)) {
      throw new ArgumentError({
        op: "session.codes",
        what: `${id} is computed inside a later node's pass`,
        expected: "a node of its own",
        got: id,
        hint: "createSession(model, { fuse: false }) writes every value",
      });
    }
    const type = this.#type(id);
    const size = sizeOf(type.shape);
    this.#enter();
    this.#busy = false;
    const length = countImages(input, this.#type(INPUT_ID)) * size;
    this.#admitArray(length);
    const out = type.dtype === "u8" ? new Uint8Array(length) : new Float32Array(length);
    this.#run(input, (value) => {
      if (value.id === id) out.set(value.data, value.first * size);
    });
    return out;
  }

  /** Begins a use: there is one at a time, and none after dispose. */
  #enter(): void {
    if (!this.#alive) {
      throw new DisposedError({ op: "session", what: "used after dispose", expected: "a live session", got: "none" });
    }
    if (this.#busy) {
      const hint = "call it after the run, or make a second session";
      throw new ScopeError({ op: "session", what: "used inside its own run", expected: "one use at a time", hint });
    }
    this.#busy = true;
  }

  #admitArray(length: number): void {
    if (4 * length <= this.#limit) return;
    const [expected, got] = [`at most ${this.#limit} bytes`, `${4 * length}`];
    throw new MemoryError({ op: "session", what: "outputs", expected, got, hint: "give fewer images at once" });
  }

  #run(input: SessionInput, visit?: (value: TracedValue) => void, given?: Float32Array): Float32Array {
    this.#enter();
    try {
      const count = countImages(input, this.#type(INPUT_ID));
      const outSize = sizeOf(this.outputShape);
      if (given === undefined) this.#admitArray(count * outSize);
      const output = given ?? new Float32Array(count * outSize);
      if (kindOf(output) !== "Float32Array" || output.length !== count * outSize) {
        const got = kindOf(output) === "Float32Array" ? `${output.length}` : describe(output);
        const expected = `${count * outSize}`;
        throw new ArgumentError({ op: "session.run", what: "length of the output", expected, got });
      }
      for (let first = 0; first < count; first += this.#maxBatch) {
        const batch = Math.min(this.#maxBatch, count - first);
        const at = this.#program.reserve(batch).input;
        fillInput(input, first, batch, this.#type(INPUT_ID), at);
        const ptr = this.#program.run(batch, visit && this.#tracing(visit, first, batch, at));
        this.#copyOutput(ptr, batch, output, first * outSize);
      }
      return output;
    } finally {
      this.#busy = false;
    }
  }

  /** Tells `visit` of the input, and then of every node as it is computed. */
  #tracing(visit: (value: TracedValue) => void, first: number, count: number, input: Ptr): Listener {
    const show = (id: string, op: TracedValue["op"], ptr: Ptr): void =>
      visit({ id, op, type: this.#type(id), data: copyOut(this.#type(id), count, ptr), first, count });
    show(INPUT_ID, "input", input);
    return { done: (node, ptr) => show(node.id, node.op, ptr) };
  }

  #copyOutput(ptr: Ptr, batch: number, output: Float32Array, at: number): void {
    const { dtype, shape, step } = this.#type(this.plan.output);
    const length = batch * sizeOf(shape);
    output.set(dtype === "u8" ? heap().u8(ptr, length) : heap().f32(ptr, length), at);
    // Float32Array rounds step·code to f32, as training's dequantization does.
    if (step !== null) for (let i = at; i < at + length; i++) output[i] *= step;
  }

  dispose(): void {
    if (this.#busy) this.#enter();
    this.#alive = false;
    this.#program.dispose();
  }
  [Symbol.dispose](): void {
    this.dispose();
  }
}

function copyOut(type: ValueType, batch: number, ptr: Ptr): Uint8Array | Float32Array {
  const length = batch * sizeOf(type.shape);
  return type.dtype === "u8" ? heap().u8(ptr, length).slice() : heap().f32(ptr, length).slice();
}
