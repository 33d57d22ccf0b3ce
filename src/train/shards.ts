/**
 * @file A step over the shards of a batch. Each shard is an ordinary forward and backward pass; gradients, loss, hits and
 * running statistics are added up over a fixed tree, so that a run's bits depend on the number of shards alone, not on
 * who computes them.
 */
import { backward, type LeafWatcher } from "../autograd/backward.js";
import { defaultRng, setDefaultRng } from "../autograd/random.js";
import type { Rng } from "../core/rng.js";
import { placeOf } from "../data/loader.js";
import { scope, untrack } from "../memory/scope.js";
import { NDArray } from "../ndarray/ndarray.js";
import { addInPlace } from "../ndarray/update.js";
import type { Module } from "../nn/module.js";
import type { Parameter } from "../nn/parameter.js";
import { type ShardRange, shardsOf, TreeSum } from "../world/tree.js";
import type { World } from "../world/world.js";
import type { LossParts } from "./distillation.js";
import { type NUMBERS, ShardLayout } from "./shard-layout.js";
import { ShardSending } from "./shard-sending.js";
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
  readonly #layout: ShardLayout;
  readonly #tree: TreeSum<NDArray>;
  readonly #made: NDArray[] = [];
  /** Copies of this rank's blocks, for others: the heap may move while they are sent. */
  readonly #sent: Float32Array[] = [];
  /** Where parts of them can travel during a backward pass. */
  readonly #sending: ShardSending | null;
  /** Places of the parameters in the vector. */
  readonly #places: ReadonlyMap<unknown, number>;

  constructor(net: Module, task: Task<Item>, world: World, shards: number) {
    this.#net = net;
    this.#task = task;
    this.#world = world;
    this.#range = shardsOf(shards, world.size, world.rank);
    this.#layout = new ShardLayout(net);
    const { length } = this.#layout;
    const make = (): NDArray => {
      const vector = kept(NDArray.empty([length]));
      this.#made.push(vector);
      return vector;
    };
    this.#tree = new TreeSum(make, addInPlace);
    this.#places = new Map(this.#layout.parameters);
    this.#sending = ShardSending.of(this.#layout, world, shards);
  }
  /** Frees the vectors. */
  dispose(): void {
    this.#sending?.dispose();
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
        const block = { start: shard, size: 1 };
        const sending = shard === end - 1 ? this.#sending : null;
        if (sending !== null) {
          const chain = this.#tree.chainOf(block);
          sending.begin(leaf, chain, this.#tree.pieces.slice(0, -chain.length || undefined));
        }
        const { start, end: until } = placeOf(count, { shards, first: shard, end: shard + 1 });
        if (until === start) leaf.view().fill(0);
        else {
          const at = batch.part?.start ?? 0;
          const part = this.#task.slice(batch, start - at, until - at);
          this.#seed(streams, drawn, step, shard);
          shown.push(...this.#leaf(leaf, part, mass, before, outcome, sending));
        }
        leaf.view()[this.#layout.placeOf("stop")] = shard === first && stop ? 1 : 0;
        sending?.rest();
        this.#tree.add(block, leaf, sending === null ? undefined : () => {});
      }
    } finally {
      this.#net.loadRngs(new Map([...streams].map(([key, rng]) => [key, rng.state()])));
      setDefaultRng(drawn);
    }
    const others = await (this.#sending === null ? this.#sum(shards) : this.#sending.end());
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
    sending: ShardSending | null,
  ): readonly Shown[] {
    const { parameters, buffers, counts } = this.#layout;
    const taken = new Set<unknown>();
    const take: LeafWatcher = (variable, gradient) => {
      const at = this.#places.get(variable);
      // What was there before the pass is added to it at its end.
      if (at === undefined || variable.gradient !== null) return;
      (into.view() as Float32Array).set(gradient.view(), at);
      taken.add(variable);
      sending?.came(variable as Parameter);
    };
    buffers.forEach(([buffer], i) => {
      buffer.set(before[i]);
    });
    const seen = scope(() => {
      const { loss, classes, seen: own } = outcome(part);
      // Of a power of two of equal shards all weights are exact.
      const weight = Math.fround(mass === 0 ? 0 : own.mass / mass);
      const value = weight * loss.item();
      backward(loss, NDArray.full(loss.shape, weight), undefined, sending === null ? undefined : take);
      // From here on nothing is allocated, and the view stays good.
      const leaf = into.view() as Float32Array;
      leaf.fill(0, 0, counts + parameters.length + buffers.length);
      leaf.set([value, own.hits, classes, 1]);
      const { labels, teacher, features = 0 }: LossParts = own.parts ?? { labels: 0, teacher: 0 };
      leaf[this.#layout.placeOf("labels")] = weight * labels;
      leaf[this.#layout.placeOf("teacher")] = weight * teacher;
      leaf[this.#layout.placeOf("features")] = weight * features;
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
      if (!taken.has(parameter)) leaf.set(parameter.gradient.view(), at);
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
    const { parameters, buffers, counts } = this.#layout;
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
    const { distillation } = this.#task;
    const number = (name: (typeof NUMBERS)[number]): number => sum()[this.#layout.placeOf(name)];
    return {
      loss: number("loss"),
      // Every shard that has examples says how many classes there are.
      classes: number("classes") / number("shards"),
      seen: {
        ...{ count, mass, hits: number("hits"), shown },
        ...(distillation !== null && {
          parts: {
            ...{ labels: number("labels"), teacher: number("teacher") },
            ...(distillation.features.length > 0 && { features: number("features") }),
          },
        }),
      },
      stop: number("stop") > 0,
    };
  }
}
