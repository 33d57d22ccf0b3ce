/** @file Pausing a training: batches pass a gate, which is open, shut, or lets one through. */
import type { Batch, BatchLoader } from "coarsegrad/data";

/** Open, shut, or open for one batch. */
export type GateMode = "run" | "pause" | "step";

/** The gate before each step of a training. */
export class Gate {
  #mode: GateMode = "run";
  #wake: (() => void) | null = null;
  readonly #onWait: () => void;

  /** @param onWait told each time that a batch has to wait */
  constructor(onWait: () => void) {
    this.#onWait = onWait;
  }

  /** True if the next batch will wait. */
  get isShut(): boolean {
    return this.#mode === "pause";
  }

  /** Pausing lets one more batch through: it is told of the pause, so that the step can be kept. */
  set(mode: GateMode): void {
    this.#mode = mode === "pause" && this.#mode === "run" ? "step" : mode;
    if (mode !== "pause") this.#wake?.();
  }

  /** Resolves when the next batch may pass, or the signal is aborted. */
  async pass(signal: AbortSignal): Promise<void> {
    while (this.#mode === "pause" && !signal.aborted) {
      this.#onWait();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
    this.#wake = null;
    if (this.#mode === "step") this.#mode = "pause";
  }
}

/**
 * The batches of a loader, each through the gate.
 *
 * @param isTrained whether all steps are done: what batches are read for after the last one has no step to go back to
 */
export function gated(loader: BatchLoader, gate: Gate, signal: AbortSignal, isTrained: () => boolean): BatchLoader {
  const { name, classes, imageShape, batches, images } = loader;
  async function* epoch(...args: Parameters<BatchLoader["epoch"]>): AsyncGenerator<Batch, void, undefined> {
    for await (const batch of loader.epoch(...args)) {
      if (!isTrained()) await gate.pass(signal);
      yield batch;
    }
  }
  return { name, classes, imageShape, batches, images, epoch };
}
