/** @file What a session is: a packed model loaded and run on images. */
import type { PlanNode } from "../format/nodes/index.js";
import type { Plan } from "../format/plan.js";
import type { ValueType } from "../format/value.js";
import type { SessionInput } from "./input.js";
import type { Profile } from "./profile.js";

/** Choices of {@link createSession}. */
export interface SessionOptions {
  /** Images that go through the network together; larger inputs are run in parts. Default 64, or what memory allows. */
  maxBatch?: number;
  /**
   * Takes the memory of a full batch at once and runs it `warmUp` times on zeros, so that the first real run meets
   * compiled kernels and touched memory. At most 1000; default 0: memory is taken by the first run.
   */
  warmUp?: number;
  /**
   * Runs the end of a residual block (scale, batch norm, sum, staircase) in one pass. Default true. With false every
   * node's value is written, so that `runTraced` and `codes` see all of them; the results are the same.
   */
  fuse?: boolean;
  /** The file's name for messages. Default "packed model". */
  file?: string;
  /** What the model may ask for: files from strangers may be small and yet ask for days. */
  limits?: SessionLimits;
}

/** Limits of a session. */
export interface SessionLimits {
  /** Bytes of constants and batch memory, and of a run's outputs: 1 … 2^32. Default 2^31, 2 GiB. */
  memory?: number;
  /**
   * Multiply-accumulates for one image; other layers count as the values that they write, pools as those that they
   * read. Default 2^40.
   */
  work?: number;
}

/** One value of a run, copied out: codes if the node gives codes, else real numbers. */
export interface TracedValue {
  /** The node's id in the plan. */
  readonly id: string;
  /** Kind of node. */
  readonly op: PlanNode["op"] | "input";
  /** Shape, and the meaning of a code. */
  readonly type: ValueType;
  /** Values of the images of this part. */
  readonly data: Uint8Array | Float32Array;
  /** Index of the first image of this part, and how many images it has. */
  readonly first: number;
  /** Images of this part. */
  readonly count: number;
}

/** A packed model in the heap, ready to run. Lives until it is disposed of; scopes do not free it. */
export interface Session extends Disposable {
  /** What the network computes, node by node. */
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
   * Runs images through the network. The heap's memory is laid out for the largest batch so far; runs within it take
   * none.
   *
   * @param output where the outputs go, instead of a new array: then a run makes no array at all
   * @returns outputs [N, …outputShape], f32, owned by the caller
   * @throws ArgumentError if the input is not a whole number of images or holds what the model cannot take, or if
   * `output` has another length; MemoryError beyond `limits.memory`; ScopeError inside a `visit` of the same session;
   * DisposedError
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
   * @param options `input`: at most `maxBatch` images, default one of zeros; `runs`: how often, at most 10,000, default
   * 20
   * @returns medians over the runs; meaningful after a few runs, when the engine has compiled the kernels: as many run
   * first as are timed
   * @throws ArgumentError on a bad input or number of runs, DisposedError
   */
  profile(options?: { input?: SessionInput; runs?: number }): Profile;
  /** Frees the heap memory. A second call does nothing. @throws ScopeError inside a `visit` of its own */
  dispose(): void;
}
