/** @file QuantParameter: latent float weights with their projection, computed once per change. */

import {
  anything,
  check,
  checkOptions,
  describe,
  flag,
  instanceOf,
  integer,
  type OptionRules,
  record,
  refuse,
  text,
} from "../core/checks.js";
import { ArgumentError, QuantError } from "../core/errors.js";
import { kindOf } from "../core/typed-arrays.js";
import { untrack } from "../memory/scope.js";
import { NDArray } from "../ndarray/ndarray.js";
import { countNonFinite } from "../ndarray/reduce.js";
import { countDifferent, mapRows, scaledCodes } from "../ndarray/weight-codes.js";
import { Parameter, type ParameterOptions } from "../nn/parameter.js";
import { isProjection, type Projection, projectRow } from "./projection/projection.js";

/** What shares one δ: the whole layer (the paper), or each output channel. */
export type Granularity = "layer" | "channel";

/** Choices for a new quantized parameter. */
export interface QuantParameterOptions extends ParameterOptions {
  /** The rule. */
  projection: Projection;
  /** Default "layer". */
  granularity?: Granularity;
}

const PARAMETER_RULES: OptionRules<QuantParameterOptions> = {
  name: text,
  constraint: record,
  requiresGrad: flag,
  projection: isProjection,
  granularity: anything,
};

/** A projection of weights: real values delta·codes. Belongs to its parameter and lives until the weights change. */
export interface QuantizedWeight {
  /** i8, shape of the weights. */
  readonly codes: NDArray;
  /** One δ, or one per output channel (first axis). f32 numbers. */
  readonly delta: Float32Array;
  /** Bits of a weight. */
  readonly bits: number;
  /** Largest |code| that the rule can give. */
  readonly top: number;
}

/**
 * Weights that a network uses through their projection: the latent float weights w_f are trained, forward passes see w
 * = proj(w_f).
 *
 * @param data f32, [O,I,Kh,Kw] or [out,in]; taken over, not copied
 * @throws ArgumentError if `data` is not f32, has no axis, or the granularity is unknown
 * @see BCGD §2, §4
 */
export class QuantParameter extends Parameter {
  #projection: Projection;
  #granularity: Granularity;
  #relax: number | null = null;
  #current: QuantizedWeight | null = null;
  #version = -1;
  #flips = 0;
  #totalFlips = 0;
  #projections = 0;

  constructor(data: NDArray, options: QuantParameterOptions) {
    check("QuantParameter", "data", data, instanceOf(NDArray, "an NDArray"));
    checkOptions<QuantParameterOptions>("QuantParameter", options, PARAMETER_RULES, ["projection"]);
    const { projection, granularity = "layer" } = options;
    if (data.dtype !== "f32" || data.rank === 0) {
      throw new ArgumentError({
        op: "QuantParameter",
        what: "not quantizable",
        expected: "an f32 array with an axis of outputs",
        got: `${data.dtype} of rank ${data.rank}`,
      });
    }
    super(data, options);
    this.#projection = projection;
    this.#granularity = checkGranularity(granularity);
  }

  /** The rule; changing it takes effect at the next forward pass. */
  get projection(): Projection {
    return this.#projection;
  }
  set projection(rule: Projection) {
    this.#projection = rule;
    this.#version = -1;
  }
  /** What shares one δ; changing it takes effect at the next forward pass. @throws ArgumentError on another value */
  get granularity(): Granularity {
    return this.#granularity;
  }
  set granularity(value: Granularity) {
    this.#granularity = checkGranularity(value);
    this.#version = -1;
  }
  /**
   * BinaryRelax's η: forward passes see (η·proj(w_f) + w_f)/(1 + η) in float. Null (default): the projection itself.
   * @throws ArgumentError unless it is null or a finite number ≥ 0
   */
  get relax(): number | null {
    return this.#relax;
  }
  set relax(eta: number | null) {
    if (eta !== null && !(Number.isFinite(eta) && eta >= 0)) {
      throw new ArgumentError({
        op: "QuantParameter",
        what: "bad relax",
        expected: "null or a number ≥ 0",
        got: describe(eta),
      });
    }
    this.#relax = eta;
  }

  /** Codes that an optimizer keeps as they are: `IterativeFreezing` of `coarsegrad/optim` sets it. */
  frozen = 0;

  /** Codes that the last re-projection changed; 0 after the first. */
  get flips(): number {
    return this.#flips;
  }
  /** `flips` as a share of all weights. */
  get flipRatio(): number {
    return this.size === 0 ? 0 : this.#flips / this.size;
  }
  /** Sums since `resetFlips()`: codes changed, and re-projections that could change them. */
  get flipTotals(): { readonly flips: number; readonly projections: number } {
    return { flips: this.#totalFlips, projections: this.#projections };
  }
  /** Adds to `flipTotals` what was counted before a run was interrupted. */
  addFlips({ flips, projections }: { readonly flips: number; readonly projections: number }): void {
    check("QuantParameter.addFlips", "flips", flips, integer(0));
    check("QuantParameter.addFlips", "projections", projections, integer(0));
    this.#totalFlips += flips;
    this.#projections += projections;
  }
  /** Starts `flipTotals` anew. */
  resetFlips(): void {
    this.#totalFlips = 0;
    this.#projections = 0;
  }

  /**
   * The projection of the present weights; computed at the first call after a change.
   *
   * @returns codes and steps, owned by the parameter: valid until the weights change
   * @gradient none: ops that use it pass the gradient at the projected point to the latent weights unchanged (BCGD §4)
   * @throws QuantError naming the parameter if a weight is NaN or infinite
   */
  quantized(): QuantizedWeight {
    if (this.#current !== null && this.#version === this.version) return this.#current;
    const { size } = this.data;
    const broken = countNonFinite(this.data);
    if (broken > 0) {
      throw new QuantError({
        op: this.#projection.name,
        what: `${this.name || "a weight"}: NaN or infinite values cannot be projected`,
        expected: "finite weights",
        got: `${broken} of ${size} that are not`,
        hint: "training has diverged; lower the learning rate",
      });
    }
    const codes = NDArray.empty(this.shape, "i8");
    untrack(codes);
    const rows = this.#granularity === "channel" ? this.shape[0] : 1;
    let delta: Float32Array;
    try {
      delta = mapRows(this.data, codes, rows, (row) => projectRow(this.#projection, row));
    } catch (error) {
      codes.dispose();
      throw error;
    }
    const previous = this.#current?.codes;
    if (previous !== undefined) {
      this.#flips = countDifferent(previous, codes);
      this.#totalFlips += this.#flips;
      this.#projections++;
      // Graphs that saved the old codes are told who made them old.
      previous.touch(this.data.storage.writer || "a new projection rule");
      previous.dispose();
    }
    const { bits, top } = this.#projection;
    this.#current = { codes, delta, bits, top };
    this.#version = this.version;
    return this.#current;
  }

  /** Frees the weights, their gradient and the codes. */
  override dispose(): void {
    this.#current?.codes.dispose();
    this.#current = null;
    super.dispose();
  }
}

function checkGranularity(value: Granularity): Granularity {
  if (value === "layer" || value === "channel") return value;
  throw new ArgumentError({
    op: "QuantParameter",
    what: "unknown granularity",
    expected: "layer or channel",
    got: describe(value),
  });
}

/**
 * Refuses what is no projection of weights: codes i8, steps f32, one or as many as rows.
 * @throws ArgumentError, DisposedError
 */
export function checkCodes(op: string, weight: Pick<QuantizedWeight, "codes" | "delta">): void {
  const { codes, delta } = (weight ?? {}) as Partial<QuantizedWeight>;
  if (!(codes instanceof NDArray) || codes.dtype !== "i8" || codes.rank === 0) {
    refuse(op, "codes", "an i8 array with an axis of outputs", codes);
  }
  codes.expectLive();
  const rows = codes.shape[0];
  const steps = kindOf(delta) === "Float32Array" ? (delta as Float32Array).length : -1;
  if (steps !== 1 && steps !== rows) refuse(op, "delta", `a Float32Array of 1 or ${rows} steps`, delta);
}

/** The real weights f32(δ·code) of a projection, in a new array. @throws ArgumentError, DisposedError */
export function dequantizeWeight(weight: Pick<QuantizedWeight, "codes" | "delta">): NDArray {
  checkCodes("dequantizeWeight", weight);
  return scaledCodes(weight.codes, weight.delta);
}
