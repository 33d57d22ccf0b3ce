/** @file Sessions: a packed model loaded and run on images. */
import { ArgumentError, DisposedError } from "../core/errors.js";
import { sizeOf } from "../core/shape.js";
import type { PackedModel } from "../format/model.js";
import { INPUT_ID, type Plan, type PlanNode } from "../format/plan.js";
import { readPacked } from "../format/read.js";
import type { ValueType } from "../format/values.js";
import type { Ptr } from "../kernels/abi.js";
import { heap } from "../kernels/engine.js";
import { provideRuntime } from "./init.js";
import { countImages, fillInput, type SessionInput } from "./input.js";
import { type Profile, profileProgram } from "./profile.js";
import { type Listener, Program } from "./program.js";

/** Choices of {@link createSession}. */
export interface SessionOptions {
  /** Images that go through the network together; larger inputs are run in parts. Default 64. */
  maxBatch?: number;
  /**
   * Takes the memory of a full batch at once and runs it `warmUp` times on zeros, so that the first real run meets compiled kernels and touched
   * memory. Default 0: memory is taken by the first run.
   */
  warmUp?: number;
  /**
   * Runs the end of a residual block (scale, batch norm, sum, staircase) in one pass. Default true. With false every node's value is written, so that
   * `runTraced` and `codes` see all of them; the results are the same.
   */
  fuse?: boolean;
  /** The file's name for messages. Default "packed model". */
  file?: string;
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
   * @throws ArgumentError if the input is not a whole number of images or holds what the model cannot take, or if `output` has another length; DisposedError
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
   * @param options `input`: at most `maxBatch` images, default one of zeros; `runs`: how often, default 20
   * @returns medians over the runs; meaningful after a few runs, when the engine has compiled the kernels: as many run first as are timed
   * @throws ArgumentError on a bad input or number of runs, DisposedError
   */
  profile(options?: { input?: SessionInput; runs?: number }): Profile;
  /** Frees the heap memory. A second call does nothing. */
  dispose(): void;
}

/**
 * Loads a packed model.
 *
 * @param model the file's bytes, or what `readPacked` made of them; not kept
 * @returns a session, to be disposed of by the caller
 * @throws FormatError if the bytes are not a packed model, MemoryError
 * @example
 * using session = createSession(bytes);
 * const logits = session.run(pixels); // Uint8Array of N·H·W·C
 */
export function createSession(model: Uint8Array | PackedModel, options: SessionOptions = {}): Session {
  const { maxBatch = 64, warmUp = 0, fuse = true, file } = options;
  checkInteger("createSession", "maxBatch", maxBatch, 1);
  checkInteger("createSession", "warmUp", warmUp, 0);
  provideRuntime();
  const packed = model instanceof Uint8Array ? readPacked(model, file) : model;
  const session = new PackedSession(packed, maxBatch, fuse);
  session.warmUp(warmUp);
  return session;
}

function checkInteger(op: string, what: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least) return;
  throw new ArgumentError({ op, what, expected: `an integer of at least ${least}`, got: `${value}` });
}

class PackedSession implements Session {
  readonly #model: PackedModel;
  readonly #program: Program;
  readonly #maxBatch: number;
  #alive = true;

  constructor(model: PackedModel, maxBatch: number, fuse: boolean) {
    this.#model = model;
    this.#maxBatch = maxBatch;
    this.#program = new Program(model, fuse);
  }

  warmUp(runs: number): void {
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

  profile({ input, runs = 20 }: { input?: SessionInput; runs?: number } = {}): Profile {
    checkInteger("session.profile", "runs", runs, 1);
    const count = input === undefined ? 1 : this.#count(input);
    if (count < 1 || count > this.#maxBatch) {
      const expected = `1 to ${this.#maxBatch}`;
      throw new ArgumentError({ op: "session.profile", what: "number of images", expected, got: `${count}` });
    }
    const fill = (): void => {
      if (input === undefined) this.#zeroInput(count);
      else fillInput(input, 0, count, this.#type(INPUT_ID), this.#program.reserve(count).input);
    };
    return profileProgram(this.#model, { program: this.#program, batch: count, runs, fill });
  }

  runTraced(input: SessionInput, visit: (value: TracedValue) => void): Float32Array {
    return this.#run(input, visit);
  }

  predict(input: SessionInput): Int32Array {
    const outputs = this.#run(input);
    const size = sizeOf(this.outputShape);
    return Int32Array.from({ length: outputs.length / size }, (_, n) => {
      let best = 0;
      for (let i = 1; i < size; i++) if (outputs[n * size + i] > outputs[n * size + best]) best = i;
      return best;
    });
  }

  codes(input: SessionInput, id: string): Uint8Array | Float32Array {
    if (!this.#model.values.has(id)) {
      throw new ArgumentError({
        op: "session.codes",
        what: "unknown node",
        expected: [...this.#model.values.keys()].join(", "),
        got: id,
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
    const length = this.#count(input) * size;
    const out = type.dtype === "u8" ? new Uint8Array(length) : new Float32Array(length);
    this.#run(input, (value) => {
      if (value.id === id) out.set(value.data, value.first * size);
    });
    return out;
  }

  #count(input: SessionInput): number {
    if (!this.#alive) {
      throw new DisposedError({ op: "session", what: "used after dispose", expected: "a live session", got: "none" });
    }
    return countImages(input, this.#type(INPUT_ID));
  }

  #run(input: SessionInput, visit?: (value: TracedValue) => void, given?: Float32Array): Float32Array {
    const count = this.#count(input);
    const outSize = sizeOf(this.outputShape);
    const output = given ?? new Float32Array(count * outSize);
    if (output.length !== count * outSize) {
      const got = `${output.length}`;
      throw new ArgumentError({ op: "session.run", what: "length of the output", expected: `${count * outSize}`, got });
    }
    for (let first = 0; first < count; first += this.#maxBatch) {
      const batch = Math.min(this.#maxBatch, count - first);
      const at = this.#program.reserve(batch).input;
      fillInput(input, first, batch, this.#type(INPUT_ID), at);
      const ptr = this.#program.run(batch, visit && this.#tracing(visit, first, batch, at));
      this.#copyOutput(ptr, batch, output, first * outSize);
    }
    return output;
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
