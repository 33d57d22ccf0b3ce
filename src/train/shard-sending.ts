/**
 * @file Gradients that travel while the backward pass of a rank's last shard goes on: each part of the vector is added
 * up and handed over as soon as the last of its gradients is there.
 */
import type { NDArray } from "../ndarray/ndarray.js";
import { addPartInPlace } from "../ndarray/update.js";
import type { Parameter } from "../nn/parameter.js";
import type { SumInParts, World } from "../world/world.js";
import type { ShardLayout } from "./shard-layout.js";

/** The parts of the vectors of one step. */
export class ShardSending {
  readonly #layout: ShardLayout;
  readonly #sum: SumInParts;
  /** The shard's vector; then those that it is added into, one after the other. */
  #chain: readonly NDArray[] = [];
  /** This rank's blocks, in order. */
  #pieces: readonly NDArray[] = [];
  readonly #missing = new Set<Parameter>();
  #given = 0;

  /** Null where the world sums whole vectors alone. */
  static of(layout: ShardLayout, world: World, shards: number): ShardSending | null {
    const sum = world.size === 1 ? undefined : world.sumInParts?.(layout.length, shards, layout.parts);
    return sum === undefined ? null : new ShardSending(layout, sum);
  }
  private constructor(layout: ShardLayout, sum: SumInParts) {
    this.#layout = layout;
    this.#sum = sum;
  }

  /**
   * Before the last shard.
   *
   * @param leaf its vector, which is still to be filled
   * @param chain what it will be added into, the last first
   * @param blocks this rank's other blocks, which come before
   */
  begin(leaf: NDArray, chain: readonly NDArray[], blocks: readonly NDArray[]): void {
    this.#chain = [leaf, ...[...chain].reverse()];
    this.#pieces = [...blocks, this.#chain[this.#chain.length - 1]];
    this.#given = 0;
    this.#missing.clear();
    for (const [parameter] of this.#layout.parameters) if (parameter.requiresGrad) this.#missing.add(parameter);
  }
  /** A gradient is in the leaf. */
  came(parameter: Parameter): void {
    this.#missing.delete(parameter);
    const { parts } = this.#layout;
    // The last part has what is known only after the pass.
    while (this.#given < parts.length - 1 && !parts[this.#given].parameters.some((each) => this.#missing.has(each)))
      this.#give();
  }
  /** The leaf is complete. */
  rest(): void {
    while (this.#given < this.#layout.parts.length) this.#give();
  }
  /** The sum over all ranks. */
  end(): Promise<Float32Array> {
    return this.#sum.end();
  }
  dispose(): void {
    this.#sum.dispose();
  }

  /** Adds up the next part, in the order of the tree, and hands it over. */
  #give(): void {
    const { from, end } = this.#layout.parts[this.#given++];
    for (let i = 1; i < this.#chain.length; i++) addPartInPlace(this.#chain[i], this.#chain[i - 1], from, end);
    this.#pieces.forEach((piece, i) => {
      this.#sum.pieces[i].set((piece.view() as Float32Array).subarray(from, end), from);
    });
    this.#sum.give();
  }
}
