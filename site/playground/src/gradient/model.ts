/** @file What page and worker of the coarse gradient tell each other. */

/** A point of the plane. */
export type Vec = readonly [number, number];

/** The network and its teacher. */
export interface State {
  readonly w: Vec;
  readonly v: Vec;
  readonly teacherV: Vec;
}

/** w* of the teacher. */
export const TEACHER_W: Vec = [1, 0];

/** Built-in proxies, and the one that is written on the page. */
export const PROXY_NAMES = ["clipped-relu", "relu", "identity", "own"] as const;
export type ProxyName = (typeof PROXY_NAMES)[number];

/** What a proxy gives at a point. */
export interface CoarsePoint {
  readonly proxy: ProxyName;
  /** E[g]. */
  readonly gradient: Vec;
  readonly norm: number;
  /** Between E[g] and ∂f/∂w, radians; NaN where one of them is 0. */
  readonly angle: number;
  /** ⟨E[g], ∂f/∂w⟩. */
  readonly correlation: number;
}

/** Everything about a point. */
export interface PointReport {
  readonly loss: number;
  /** Between w and w*. */
  readonly theta: number;
  /** ∂f/∂w. */
  readonly gradient: Vec;
  readonly norm: number;
  readonly coarse: readonly CoarsePoint[];
}

/** A descent of one proxy. */
export interface Descent {
  readonly proxy: ProxyName;
  readonly path: readonly Vec[];
  readonly losses: readonly number[];
  readonly v: Vec;
  /** Where it ended, in words. */
  readonly ending: string;
}

/** Correlations by angle. */
export interface Sweep {
  readonly degrees: readonly number[];
  readonly correlations: Readonly<Partial<Record<ProxyName, readonly number[]>>>;
}
