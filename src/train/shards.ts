/**
 * @file A step over the shards of a batch. Each shard is an ordinary forward and backward pass; gradients, loss, hits and
 * running statistics are added up over a fixed tree, so that a run's bits depend on the number of shards alone, not on
 * who computes them.
 */
import { defaultRng, setDefaultRng } from "../autograd/random.js";
import { Tensor } from "../autograd/tensor.js";
import { DTypeError } from "../core/errors.js";
import type { Rng } from "../core/rng.js";
import { placeOf } from "../data/loader.js";
import { scope, untrack } from "../memory/scope.js";
import { NDArray } from "../ndarray/ndarray.js";
import { addInPlace } from "../ndarray/update.js";
import type { Module } from "../nn/module.js";
import type { Buffer, Parameter } from "../nn/parameter.js";
import { type ShardRange, shardsOf, TreeSum } from "../world/tree.js";
import type { World } from "../world/world.js";
import { gatherShown } from "./shown.js";
import type { Counted, Outcome, Seen, Shown, Task } from "./task.js";

/** What the shards of a step came to, the same on every rank. */
export interface ShardedOutcome {
  /** Σ w·loss, w being a shard's part of the batch. */
  readonly loss: number;
  readonly classes: number;
  readonly seen: Seen;
  /** True if some rank wants to stop. */
  readonly stop: boolean;
}

/** One number each, behind the arrays. */
const NUMBERS = ["loss", "hits", "classes", "shards", "stop", "labels", "teacher"] as const;

/** Where everything that crosses shards stands in one vector. */
class Layout {
  readonly parameters: readonly (readonly [parameter: Parameter, at: number])[];
  readonly buffers: readonly (readonly [buffer: Buffer, at: number])[];
  /** Of each parameter in how many shards it got a gradient, then of each buffer in how many it changed. */
  readonly counts: number;
  readonly numbers: number;
  readonly length: number;

  /** @throws DTypeError for numbers that are not f32 */
  constructor(net: Module) {
    let at = 0;
    const place = <T extends { readonly data: NDArray }>(owner: T): readonly [T, number] => {
      at += owner.data.size;
      return [owner, at - owner.data.size];
    };
    for (const [name, { data }] of [...net.namedParameters(), ...net.namedBuffers()]) {
      if (data.dtype === "f64") {
        throw new DTypeError({ op: "fit", what: `shards of a network with ${name}`, expected: "f32", got: "f64" });
      }
    }
    this.parameters = net.parameters().map(place);
    const floats = [...net.namedBuffers().values()].filter(({ data }) => data.dtype === "f32");
    this.buffers = [...new Set(floats)].map(place);
    this.counts = at;
    this.numbers = at + this.parameters.length + this.buffers.length;
    this.length = this.numbers + NUMBERS.length;
  }
}

/** An array that outlives every scope. */
function kept(array: NDArray): NDArray {
  untrack(array);
  return array;
}

/** The sums over the shards of a step. */
export class ShardSums<Item extends Counted> {
  readonly #net: Module;
  readonly #task: Task<Item>;
  readonly #world: World;
  readonly #range: ShardRange;
  readonly #layout: Layout;
  readonly #tree: TreeSum<NDArray>;
  readonly #made: NDArray[] = [];
  /** Copies of this rank's blocks, for others: the heap may move while they are sent. */
  readonly #sent: Float32Array[] = [];

  constructor(net: Module, task: Task<Item>, world: World, shards: number) {
    this.#net = net;
    this.#task = task;
    this.#world = world;
    this.#range = shardsOf(shards, world.size, world.rank);
    this.#layout = new Layout(net);
    const { length } = this.#layout;
    const make = (): NDArray => {
      const vector = kept(NDArray.empty([length]));
      this.#made.push(vector);
      return vector;
    };
    this.#tree = new TreeSum(make, addInPlace);
  }
  /** Frees the vectors. */
  dispose(): void {
    for (const vector of this.#made) vector.dispose();
  }
  /** The shards that this rank computes. */
  get range(): ShardRange {
    return this.#range;
  }

  /**
   * Gradients of a batch, in the parameters; running statistics, their mean over the shards, in the buffers.
   *
   * @param batch the whole, or this rank's part of it
   * @param step of the run, from 0: names the random numbers
   * @param stop whether this rank wants to stop
   * @param outcome computes a shard's loss
   */
  async add(batch: Item, step: number, stop: boolean, outcome: (shard: Item) => Outcome): Promise<ShardedOutcome> {
    const { shards, first, end } = this.#range;
    const count = batch.part?.whole ?? batch.count;
    const mass = this.#task.mass(batch);
    const before = this.#layout.buffers.map(([{ data }]) => data.view().slice() as Float32Array);
    const streams = this.#net.namedRngs();
    const drawn = defaultRng();
    const shown: Shown[] = [];
    this.#tree.clear();
    try {
      for (let shard = first; shard < end; shard++) {
        const leaf = this.#tree.vector();
        const { start, end: until } = placeOf(count, { shards, first: shard, end: shard + 1 });
        if (until === start) leaf.view().fill(0);
        else {
          const at = batch.part?.start ?? 0;
          const part = this.#task.slice(batch, start - at, until - at);
          this.#seed(streams, drawn, step, shard);
          shown.push(...this.#leaf(leaf, part, mass, before, outcome));
        }
        leaf.view()[this.#layout.numbers + NUMBERS.indexOf("stop")] = shard === first && stop ? 1 : 0;
        this.#tree.add({ start: shard, size: 1 }, leaf);
      }
    } finally {
      this.#net.loadRngs(new Map([...streams].map(([key, rng]) => [key, rng.state()])));
      setDefaultRng(drawn);
    }
    const others = await this.#sum(shards);
    // Alone, the sum lies in the heap, which moves when gradients are made.
    const alone = this.#world.size === 1;
    const sum = (): Float32Array => (alone ? (this.#tree.pieces[0].view() as Float32Array) : others);
    const all = this.#task.shows ? await gatherShown(this.#world, shown) : shown;
    return this.#take(sum, before, { count, mass, shown: all });
  }

  /** The sum over all ranks. */
  #sum(shards: number): Promise<Float32Array> {
    const { length } = this.#layout;
    const pieces = this.#tree.pieces.map((piece, i) => {
      const view = piece.view() as Float32Array;
      if (this.#world.size === 1) return view;
      this.#sent[i] ??= new Float32Array(length);
      this.#sent[i].set(view);
      return this.#sent[i];
    });
    return this.#world.sum(pieces, length, shards);
  }

  /** Random numbers of a shard depend on the run's streams, the step and the shard alone. */
  #seed(streams: ReadonlyMap<string, Rng>, drawn: Rng, step: number, shard: number): void {
    const own = (rng: Rng): Rng => rng.fork("shard").fork(step).fork(shard);
    this.#net.loadRngs(new Map([...streams].map(([key, rng]) => [key, own(rng).state()])));
    setDefaultRng(own(drawn));
  }

  /** One shard: forward, backward, and all that came of it copied into its leaf. */
  #leaf(
    into: NDArray,
    part: Item,
    mass: number,
    before: readonly Float32Array[],
    outcome: (shard: Item) => Outcome,
  ): readonly Shown[] {
    const { parameters, buffers, counts, numbers } = this.#layout;
    buffers.forEach(([buffer], i) => {
      buffer.set(before[i]);
    });
    const seen = scope(() => {
      const { loss, classes, seen: own } = outcome(part);
      // Of a power of two of equal shards all weights are exact.
      const weight = Math.fround(mass === 0 ? 0 : own.mass / mass);
      const value = weight * loss.item();
      loss.backward(new Tensor(NDArray.full(loss.shape, weight)));
      // From here on nothing is allocated, and the view stays good.
      const leaf = into.view() as Float32Array;
      leaf.fill(0, counts);
      leaf.set([value, own.hits, classes, 1], numbers);
      const { labels, teacher } = own.parts ?? { labels: 0, teacher: 0 };
      leaf.set([weight * labels, weight * teacher], numbers + NUMBERS.indexOf("labels"));
      buffers.forEach(([{ data }, at], i) => {
        const after = data.view();
        if (after.some((value, c) => !Object.is(value, before[i][c]))) leaf[counts + parameters.length + i] = 1;
        for (let c = 0; c < after.length; c++) leaf[at + c] = weight * after[c];
      });
      return own;
    });
    const leaf = into.view() as Float32Array;
    parameters.forEach(([parameter, at], i) => {
      if (parameter.gradient === null) {
        leaf.fill(0, at, at + parameter.size);
        return;
      }
      leaf.set(parameter.gradient.view(), at);
      leaf[counts + i] = 1;
      parameter.zeroGrad();
    });
    return seen.shown;
  }

  /** Sums into gradients and buffers. What got no gradient in any shard has none, and what did not change stays. */
  #take(
    sum: () => Float32Array,
    before: readonly Float32Array[],
    { count, mass, shown }: Omit<Seen, "hits">,
  ): ShardedOutcome {
    const { parameters, buffers, counts, numbers } = this.#layout;
    parameters.forEach(([parameter, at], i) => {
      if (sum()[counts + i] === 0) return;
      const gradient = kept(NDArray.empty(parameter.shape));
      gradient.view().set(sum().subarray(at, at + parameter.size));
      parameter.gradient = gradient;
    });
    buffers.forEach(([buffer, at], i) => {
      const changed = sum()[counts + parameters.length + i] > 0;
      buffer.set(changed ? sum().subarray(at, at + buffer.data.size) : before[i]);
    });
    const number = (name: (typeof NUMBERS)[number]): number => sum()[numbers + NUMBERS.indexOf(name)];
    return {
      loss: number("loss"),
      // Every shard that has examples says how many classes there are.
      classes: number("classes") / number("shards"),
      seen: {
        ...{ count, mass, hits: number("hits"), shown },
        ...(this.#task.distillation !== null && {
          parts: { labels: number("labels"), teacher: number("teacher") },
        }),
      },
      stop: number("stop") > 0,
    };
  }
}
