/** @file A loaded model: input in, batch by batch through the program, output out. */
import { largestAt } from "../codes/ranking.js";
import { anything, callable, check, checkOptions, describe, integer } from "../core/checks.js";
import { DISPOSE } from "../core/dispose.js";
import { ArgumentError, DisposedError, MemoryError, ScopeError } from "../core/errors.js";
import { sizeOf } from "../core/shape.js";
import { kindOf } from "../core/typed-arrays.js";
import type { PackedModel } from "../format/model.js";
import { INPUT_ID, type Plan } from "../format/plan.js";
import { type ValueType, valueBytes } from "../format/value.js";
import type { Ptr } from "../kernels/abi.js";
import { heap } from "../kernels/engine.js";
import { countImages, fillInput, type SessionInput } from "./input.js";
import { type Profile, profileProgram } from "./profile.js";
import { type Listener, Program } from "./program.js";
import type { Session, TracedValue } from "./session.js";

/** How often a session may be warmed up. */
export const WARM_UPS = integer(0, 1000);

/** Images that go together unless said otherwise. */
const BATCH = 64;

/** A session: one use at a time, in parts of a batch. */
export class PackedSession implements Session {
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
    const bytes = valueBytes(this.#type(INPUT_ID), batch);
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
  [DISPOSE](): void {
    this.dispose();
  }
}

function copyOut(type: ValueType, batch: number, ptr: Ptr): Uint8Array | Float32Array {
  const length = batch * sizeOf(type.shape);
  return type.dtype === "u8" ? heap().u8(ptr, length).slice() : heap().f32(ptr, length).slice();
}
