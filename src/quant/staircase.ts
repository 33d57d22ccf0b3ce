/** @file The quantized activation as a layer. */

import { apply, Tensor } from "../autograd/tensor.js";
import { checkBits, staircaseTop } from "../codes/levels.js";
import type { Rounding } from "../codes/staircase.js";
import {
  anything,
  atLeast,
  callable,
  check,
  checkOptions,
  describe,
  flag,
  instanceOf,
  listOf,
  nullable,
  type OptionRules,
  type Rule,
  record,
  refuse,
} from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import { NDArray } from "../ndarray/ndarray.js";
import { addHistogram } from "../ndarray/weight-codes.js";
import { BatchNorm } from "../nn/batch-norm.js";
import { JoiningActivation } from "../nn/norm-activation.js";
import { Parameter, type ParameterConstraint } from "../nn/parameter.js";
import { type AlphaRule, threeValued } from "./alpha-rule.js";
import { authorsStep, halfGaussianStep } from "./half-gaussian.js";
import { batchNormStaircaseOp } from "./ops/norm-staircase.js";
import { type StaircaseAttrs, staircaseOp } from "./ops/staircase.js";
import { type CoarseProxy, clippedReLU } from "./proxy.js";

const { fround } = Math;

/**
 * How α is trained by default (authors' practice, BCGD §3): 0.01 of the weights' rate, gradient clamped to ±1, α in
 * [1e-3, 5].
 */
export const ALPHA_CONSTRAINT: ParameterConstraint = { lrScale: 0.01, gradClip: [-1, 1], range: [1e-3, 5] };

/** Choices of {@link Staircase}; as a policy for activations, made by {@link staircase}. */
export interface StaircaseOptions {
  /** 1…8; L = 2^bits − 1. */
  readonly bits: number;
  /** Coarse derivative in x. Default {@link clippedReLU}. */
  readonly proxy?: CoarseProxy;
  /** Derivative in α. Default {@link threeValued}. */
  readonly rule?: AlphaRule;
  /** "ceil" (default, the paper's) or "nearest". */
  readonly rounding?: Rounding;
  /**
   * Start value: a number > 0, "half-gaussian" (default: best behind a batch norm), or "authors" (1.2221, 0.6511,
   * 0.1946 for 1, 2, 4 bits).
   */
  readonly alpha?: number | "half-gaussian" | "authors";
  /** Overrides parts of {@link ALPHA_CONSTRAINT}. */
  readonly constraint?: ParameterConstraint;
  /** False fixes α at its start or calibrated value. Default true. */
  readonly trainAlpha?: boolean;
}

const isProxy: Rule = (value) => {
  const { name, dx } = (value ?? {}) as Partial<CoarseProxy>;
  return typeof name === "string" && typeof dx === "function" ? null : "an object with a name and a function dx";
};
const isRule: Rule = (value) => {
  const { name, dalpha } = (value ?? {}) as Partial<AlphaRule>;
  return typeof name === "string" && typeof dalpha === "function"
    ? null
    : "an object with a name and a function dalpha";
};
const isConstraint: Rule = (value) => {
  if (record(value) !== null) return record(value);
  const { range, gradClip, lrScale } = value as ParameterConstraint;
  const interval = (pair: unknown): boolean =>
    pair === undefined ||
    (Array.isArray(pair) && pair.length === 2 && pair.every((end) => typeof end === "number") && pair[0] <= pair[1]);
  return interval(range) && interval(gradClip) && (lrScale === undefined || typeof lrScale === "number")
    ? null
    : "a constraint { lrScale?, gradClip?: [lo, hi], range?: [lo, hi] }";
};
const STAIRCASE_RULES: OptionRules<StaircaseOptions> = {
  bits: anything,
  proxy: isProxy,
  rule: isRule,
  rounding: anything,
  alpha: anything,
  constraint: isConstraint,
  trainAlpha: flag,
};

/**
 * A checked policy for activations.
 *
 * @throws ArgumentError on bits outside 1…8, an unknown rounding, or a start value that is not positive
 * @example
 * prepare(net, { weights: binary(), activations: staircase({ bits: 4, proxy: clippedReLU }) });
 */
export function staircase(options: StaircaseOptions): StaircaseOptions {
  checkOptions("staircase", options, STAIRCASE_RULES, ["bits"]);
  const { bits, rounding = "ceil" } = options;
  checkBits("staircase", bits);
  if (rounding !== "ceil" && rounding !== "nearest") {
    throw new ArgumentError({
      op: "staircase",
      what: "unknown rounding",
      expected: "ceil or nearest",
      got: describe(rounding),
    });
  }
  const alpha = startAlpha(options);
  const range = options.constraint?.range;
  if (range !== undefined && !(alpha >= range[0] && alpha <= range[1])) {
    refuse("staircase", "alpha", `a start value in constraint.range [${range}]`, alpha);
  }
  return options;
}

function constraintOf({ constraint }: StaircaseOptions): ParameterConstraint {
  return { ...ALPHA_CONSTRAINT, ...constraint };
}

function startAlpha({ bits, rounding = "ceil", alpha = "half-gaussian" }: StaircaseOptions): number {
  if (alpha === "half-gaussian") return halfGaussianStep(bits, rounding);
  if (alpha === "authors") return authorsStep(bits);
  if (typeof alpha === "number" && fround(alpha) > 0 && Number.isFinite(fround(alpha))) return alpha;
  throw new ArgumentError({
    op: "staircase",
    what: "bad alpha",
    expected: 'a number > 0, "half-gaussian" or "authors"',
    got: describe(alpha),
  });
}

/**
 * Quantized ReLU with a trained step: σ(x, α) with levels 0, α, …, Lα. The output is coded: u8 codes with step α, which
 * quantized layers multiply exactly; every other op sees real values.
 *
 * State: `alpha`, one number.
 *
 * @gradient coarse: `proxy` for x, `rule` for α
 * @throws ArgumentError as {@link staircase}; QuantError in forward if α is not a positive number
 * @see BCGD §3 (staircase)
 */
export class Staircase extends JoiningActivation {
  #bits: number;
  /** ∂σ/∂x of the backward pass. */
  proxy: CoarseProxy;
  /** ∂σ/∂α of the backward pass. */
  rule: AlphaRule;
  #rounding: Rounding;
  /** The step α, a parameter of one number. */
  alpha: Parameter;
  #widened: readonly [number, number] | null = null;
  #counts: Float64Array | null = null;
  #observer: ((x: NDArray) => void) | null = null;

  constructor(options: StaircaseOptions) {
    super();
    staircase(options);
    this.#bits = options.bits;
    this.proxy = options.proxy ?? clippedReLU;
    this.rule = options.rule ?? threeValued;
    this.#rounding = options.rounding ?? "ceil";
    this.alpha = new Parameter(NDArray.full([], startAlpha(options)), {
      constraint: constraintOf(options),
      requiresGrad: options.trainAlpha ?? true,
    });
    this.#hold();
  }

  /** Width of the codes. */
  get bits(): number {
    return this.#bits;
  }
  /** Up, or to the nearest. */
  get rounding(): Rounding {
    return this.#rounding;
  }
  /**
   * Makes it the staircase of other options, in place: `alpha` stays the parameter that optimizers know. Its value
   * stays too, unless the width or the rounding changes or `alpha` is given: then it starts anew.
   *
   * @throws ArgumentError as {@link staircase}; nothing is changed then
   */
  configure(options: StaircaseOptions): void {
    staircase(options);
    const { bits, rounding = "ceil" } = options;
    const anew = bits !== this.#bits || rounding !== this.#rounding || options.alpha !== undefined;
    this.#bits = bits;
    this.#rounding = rounding;
    this.proxy = options.proxy ?? clippedReLU;
    this.rule = options.rule ?? threeValued;
    this.alpha.constraint = constraintOf(options);
    this.alpha.requiresGrad = options.trainAlpha ?? true;
    if (anew) this.alpha.set([startAlpha(options)]);
    this.#hold();
    if (this.#counts !== null) this.countCodes(true);
  }

  /**
   * Widens the range that nobody chose, so that it holds α: a value that was set, loaded or calibrated is not cut at
   * the next step.
   */
  #hold(): void {
    const { constraint } = this.alpha;
    const range = constraint?.range;
    if (range === undefined || (range !== ALPHA_CONSTRAINT.range && range !== this.#widened)) return;
    const alpha = this.alpha.item();
    let [lo, hi] = range;
    if (!(alpha > 0) || !Number.isFinite(alpha) || (alpha >= fround(lo) && alpha <= fround(hi))) return;
    // By factors of two: what a resumed run finds does not hang on where α was when it was saved, unless it wandered
    // far.
    if (alpha > hi) while (hi < 4 * alpha) hi *= 2;
    if (alpha < lo) while (lo > alpha / 4) lo /= 2;
    this.#widened = [lo, hi];
    this.alpha.constraint = { ...constraint, range: this.#widened };
  }

  /** L = 2^bits − 1, the largest code. */
  get top(): number {
    return staircaseTop(this.bits);
  }

  /** @param x pre-activations of any shape @returns coded u8, the same shape */
  override forward(x: Tensor): Tensor {
    if (!(x instanceof Tensor)) check("Staircase", "x", x, instanceOf(Tensor, "a tensor"));
    this.#observer?.(x.value);
    this.#hold();
    const { bits, proxy, rule, rounding } = this;
    const attrs: StaircaseAttrs = { bits, proxy, rule, rounding };
    const y = apply(staircaseOp, [x, this.alpha], attrs);
    if (this.#counts !== null) addHistogram(this.#counts, y.data);
    return y;
  }

  override get joinedForward(): (x: Tensor) => Tensor {
    return Staircase.prototype.forward;
  }
  /** Null while something observes the pre-activations, or if proxy or rule are functions of the user's own */
  override forwardNormalized(x: Tensor, norm: BatchNorm, shortcut: Tensor | null): Tensor | null {
    if (!(norm instanceof BatchNorm)) check("Staircase", "norm", norm, instanceOf(BatchNorm, "a batch norm"));
    const { alpha, bits, proxy, rule, rounding } = this;
    if (this.#observer !== null || proxy.kernelId === undefined || rule.kernelId === undefined) return null;
    this.#hold();
    const inputs = [x, norm.weight, norm.bias, alpha, ...(shortcut === null ? [] : [shortcut])];
    const y = norm.normalizeBatch(x, (options) =>
      apply(batchNormStaircaseOp, inputs, { bits, proxy, rule, rounding, ...options }),
    );
    if (this.#counts !== null) addHistogram(this.#counts, y.data);
    return y;
  }

  /** Sets α. @throws ArgumentError unless it is a positive number */
  setAlpha(value: number): void {
    this.alpha.set([startAlpha({ bits: this.bits, alpha: value })]);
    this.#hold();
  }
  /**
   * The range that α is held in because the user chose it; null for the default one, which gives way to a start value.
   */
  get chosenRange(): readonly [lo: number, hi: number] | null {
    const range = this.alpha.constraint?.range;
    return range === undefined || range === ALPHA_CONSTRAINT.range || range === this.#widened ? null : range;
  }
  /**
   * Starts (or ends) counting codes in every forward pass; starting clears the counts. Costs one pass over the codes.
   */
  countCodes(on: boolean): void {
    check("Staircase.countCodes", "on", on, flag);
    this.#counts = on ? new Float64Array(this.top + 1) : null;
  }
  /** How often each code 0…L came out since counting began; null if it is off. */
  get codeCounts(): Float64Array | null {
    return this.#counts;
  }
  /** Adds to the counts, if they are on. @param counts how often each code 0…L came out elsewhere */
  addCodes(counts: readonly number[]): void {
    check("Staircase.addCodes", "counts", counts, listOf(atLeast(0), this.top + 1));
    this.#counts?.forEach((count, code, all) => {
      all[code] = count + counts[code];
    });
  }
  /** Has `observer` see the real pre-activations of every forward pass before they are quantized; null ends it. */
  observe(observer: ((x: NDArray) => void) | null): void {
    check("Staircase.observe", "observer", observer, nullable(callable));
    this.#observer = observer;
  }
  protected override describe(): string {
    const { bits, proxy, rule, rounding } = this;
    return [
      `${bits} bit${bits === 1 ? "" : "s"}`,
      proxy.name,
      rule.name,
      ...(rounding === "ceil" ? [] : [rounding]),
    ].join(", ");
  }
}
