/** @file What layers can tell of themselves while a network is trained. */
import type { Module } from "./module.js";

/** Figures of one layer over an epoch; what does not apply is left out. */
export interface LayerFigures {
  /** Share of weight codes that differ from those at the start of the epoch, in [0, 1]. */
  flipRatio?: number;
  /** The activation step at the end of the epoch. */
  alpha?: number;
  /** Share of activations with the highest code during the epoch, in [0, 1]. */
  saturation?: number;
}

/** A module that keeps figures; `fit` asks every such module after each epoch. Quantized layers and staircases do. */
export interface KeepsFigures {
  /** Starts counting anew. */
  startFigures(): void;
  /** Figures since the start. */
  figures(): LayerFigures;
}

/** True for modules that keep figures. */
export function keepsFigures(module: Module): module is Module & KeepsFigures {
  const { startFigures, figures } = module as Partial<KeepsFigures>;
  return typeof startFigures === "function" && typeof figures === "function";
}
