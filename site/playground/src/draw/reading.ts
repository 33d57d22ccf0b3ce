/** @file What the worker says of a picture. */

/** Values that a layer gave, channels first: `count` maps of rows × columns in [−1, 1]. */
export interface LayerMaps {
  readonly id: string;
  readonly op: string;
  readonly shape: readonly number[];
  /** Largest code; 0 for real numbers. */
  readonly top: number;
  readonly count: number;
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
}

/** What one network makes of a picture. */
export interface Reading {
  readonly model: string;
  readonly probabilities: readonly number[];
  readonly label: number;
  readonly milliseconds: number;
}
