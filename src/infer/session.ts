/** @file Sessions: a packed model loaded and run on images. */
import { ArgumentError, DisposedError } from "../core/errors.js";
import { shapeText, sizeOf } from "../core/shape.js";
import type { PackedModel } from "../format/model.js";
import { INPUT_ID, type Plan, type PlanNode } from "../format/plan.js";
import { readPacked } from "../format/read.js";
import type { ValueType } from "../format/values.js";
import type { Ptr } from "../kernels/abi.js";
import { heap } from "../kernels/engine.js";
import { provideRuntime } from "./init.js";
import { Program } from "./program.js";

/** Choices of {@link createSession}. */
export interface SessionOptions {
  /** Images that go through the network together; larger inputs are run in parts. Default 64. */
  maxBatch?: number;
  /** The file's name for messages. Default "packed model". */
  file?: string;
}

/**
 * Images for a session, one after the other, each in the model's shape, channel fastest. Bytes are codes (pixels); floats are real values, which a
 * model with u8 input rounds to the nearest code.
 */
export type SessionInput = Uint8Array | Uint8ClampedArray | Float32Array;

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
   * Runs images through the network.
   *
   * @returns outputs [N, …outputShape], f32, owned by the caller
   * @throws ArgumentError if the input is not a whole number of images or holds what the model cannot take; DisposedError
   */
  run(input: SessionInput): Float32Array;
  /** Index of the largest output of each image; the first of equals. */
  predict(input: SessionInput): Int32Array;
  /** As {@link run}; `visit` gets every value as it is computed, part by part. */
  runTraced(input: SessionInput, visit: (value: TracedValue) => void): Float32Array;
  /** Codes (or f32 values) of one node for all images. @throws ArgumentError on an unknown id */
  codes(input: SessionInput, id: string): Uint8Array | Float32Array;
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
  const maxBatch = options.maxBatch ?? 64;
  if (!Number.isInteger(maxBatch) || maxBatch < 1) {
    throw new ArgumentError({
      op: "createSession",
      what: "maxBatch",
      expected: "a positive integer",
      got: `${maxBatch}`,
    });
  }
  provideRuntime();
  return new PackedSession(model instanceof Uint8Array ? readPacked(model, options.file) : model, maxBatch);
}

class PackedSession implements Session {
  readonly plan: Plan;
  readonly #values: ReadonlyMap<string, ValueType>;
  readonly #program: Program;
  readonly #maxBatch: number;
  #alive = true;

  constructor(model: PackedModel, maxBatch: number) {
    this.plan = model.plan;
    this.#values = model.values;
    this.#maxBatch = maxBatch;
    this.#program = new Program(model);
  }

  #type(id: string): ValueType {
    return this.#values.get(id) as ValueType;
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

  run(input: SessionInput): Float32Array {
    return this.#run(input);
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
    if (!this.#values.has(id)) {
      throw new ArgumentError({
        op: "session.codes",
        what: "unknown node",
        expected: [...this.#values.keys()].join(", "),
        got: id,
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
    const size = sizeOf(this.inputShape);
    const count = input.length / size;
    if (!Number.isInteger(count)) {
      throw new ArgumentError({
        op: "session.run",
        what: "input is not a whole number of images",
        expected: `a multiple of ${size} values, ${shapeText(this.inputShape)} each`,
        got: `${input.length}`,
      });
    }
    return count;
  }

  #run(input: SessionInput, visit?: (value: TracedValue) => void): Float32Array {
    const count = this.#count(input);
    const size = sizeOf(this.inputShape);
    const outSize = sizeOf(this.outputShape);
    const output = new Float32Array(count * outSize);
    const type = this.#type(this.plan.output);
    for (let first = 0; first < count; first += this.#maxBatch) {
      const batch = Math.min(this.#maxBatch, count - first);
      const show = (id: string, op: TracedValue["op"], ptr: Ptr): void =>
        visit?.({ id, op, type: this.#type(id), data: copyOut(this.#type(id), batch, ptr), first, count: batch });
      const ptr = this.#program.run(
        batch,
        (at) => {
          this.#fill(input.subarray(first * size, (first + batch) * size), at);
          show(INPUT_ID, "input", at);
        },
        (node, at) => show(node.id, node.op, at),
      );
      const part = copyOut(type, batch, ptr);
      const target = output.subarray(first * outSize, (first + batch) * outSize);
      target.set(part);
      // Float32Array rounds step·code to f32, as training's dequantization does.
      if (type.step !== null) for (let i = 0; i < target.length; i++) target[i] *= type.step;
    }
    return output;
  }

  #fill(part: SessionInput, ptr: Ptr): void {
    const { step, shape } = this.#type(INPUT_ID);
    const refuse = (what: string, expected: string, got: string, hint?: string): never => {
      throw new ArgumentError({ op: "session.run", what, expected, got, hint });
    };
    if (step === null) {
      if (!(part instanceof Float32Array)) refuse("this model takes real values", "a Float32Array", "bytes");
      heap().f32(ptr, part.length).set(part);
      return;
    }
    const codes = heap().u8(ptr, part.length);
    if (!(part instanceof Float32Array)) {
      codes.set(part);
      return;
    }
    for (let i = 0; i < part.length; i++) {
      const code = Math.round(part[i] / step);
      if (!(code >= 0 && code <= 255)) {
        const range = `numbers in [0, ${255 * step}]`;
        refuse(`value ${i % sizeOf(shape)} of an image`, range, `${part[i]}`, "codes can be given as a Uint8Array");
      }
      codes[i] = code;
    }
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
