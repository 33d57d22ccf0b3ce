/** @file What the ranks of a run do together besides steps: they agree, count, and stop as one. */
import { ArgumentError } from "../core/errors.js";
import type { Module } from "../nn/module.js";
import type { WatchCounts } from "../quant/diagnostics.js";
import { agree } from "../world/agree.js";
import { shardsRule } from "../world/tree.js";
import { aloneWorld, gatherJson, type World, worldRule } from "../world/world.js";
import { weightsDigest } from "./digest.js";
import { ShardSums } from "./shards.js";
import type { Counted, Task } from "./task.js";

/** Who computes a run. */
export interface TogetherOptions {
  /**
   * Parts of each batch, a power of two: part of what decides the result, as the batch size is. Batch norms see one
   * shard at a time, as they do in PyTorch's DistributedDataParallel. Default 1.
   */
  shards?: number;
  /** The ranks that compute the shards; how many there are changes no bit. Default: this process alone. */
  world?: World;
}

/** The least power of two that is not below a number. */
function powerAbove(least: number): number {
  let power = 1;
  while (power < least) power *= 2;
  return power;
}

/** Rules of {@link TogetherOptions}. */
export const TOGETHER_RULES = { shards: shardsRule, world: worldRule } as const;

/** The ranks of one run. */
export class Together<Item extends Counted> {
  readonly world: World;
  /** Null where a step is one forward and backward pass over its batch. */
  readonly sums: ShardSums<Item> | null;
  /** True once some rank wanted to stop. */
  stopping = false;

  /** @throws ArgumentError if there are more ranks than shards */
  constructor(net: Module, task: Task<Item>, { shards = 1, world = aloneWorld() }: TogetherOptions) {
    if (world.size > shards) {
      throw new ArgumentError({
        op: "fit",
        what: "more ranks than shards",
        expected: `at most ${shards} ranks, or more shards`,
        got: `${world.size} ranks`,
        hint: `shards: ${powerAbove(world.size)} would do; shards decide the result, ranks do not`,
      });
    }
    this.world = world;
    this.sums = shards === 1 ? null : new ShardSums(net, task, world, shards);
  }
  get alone(): boolean {
    return this.world.size === 1;
  }
  /** True on the rank that reports and writes. */
  get reports(): boolean {
    return this.world.rank === 0;
  }
  /** Compares what decides the result. @throws WorldError */
  async agree(net: Module, decides: Readonly<Record<string, string | number>>): Promise<void> {
    if (this.alone) return;
    for (const [what, value] of Object.entries(decides)) await agree(this.world, `the ${what}`, `${value}`);
    await this.compare(net, "before the first step");
  }
  /** Compares the weights. @throws WorldError */
  async compare(net: Module, place: string): Promise<void> {
    if (this.alone) return;
    const hint = "every rank must run the same script, version and options on the same data";
    await agree(this.world, `the weights ${place}`, weightsDigest(net), hint);
  }
  /** True if it holds on any rank. */
  async any(value: boolean): Promise<boolean> {
    return this.alone ? value : (await gatherJson(this.world, value)).includes(true);
  }
  /** What every rank counted. */
  async counts(own: WatchCounts): Promise<WatchCounts[]> {
    return this.alone ? [own] : gatherJson(this.world, own);
  }
}
