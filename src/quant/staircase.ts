/** @file The quantized activation as a layer. */
import { apply, type Tensor } from "../autograd/tensor.js";
import { ArgumentError } from "../core/errors.js";
import { heap, kernelsFor } from "../kernels/engine.js";
import { NDArray } from "../ndarray/ndarray.js";
import { withScratch } from "../ndarray/scratch.js";
import type { BatchNorm } from "../nn/batch-norm.js";
import { Module } from "../nn/module.js";
import { Parameter, type ParameterConstraint } from "../nn/parameter.js";
import { type AlphaRule, threeValued } from "./alpha-rule.js";
import { authorsStep, halfGaussianStep, type Rounding } from "./half-gaussian.js";
import { batchNormStaircaseOp } from "./ops/norm-staircase.js";
import { type StaircaseAttrs, staircaseOp } from "./ops/staircase.js";
import { checkBits } from "./projection/projection.js";
import { type CoarseProxy, clippedReLU } from "./proxy.js";

const { fround } = Math;

/** How α is trained by default (authors' practice, BCGD §3): 0.01 of the weights' rate, gradient clamped to ±1, α in [1e-3, 5]. */
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
   * Start value: a number > 0, "half-gaussian" (default: best behind a batch norm), or "authors" (1.2221, 0.6511, 0.1946 for 1, 2, 4 bits).
   */
  readonly alpha?: number | "half-gaussian" | "authors";
  /** Overrides parts of {@link ALPHA_CONSTRAINT}. */
  readonly constraint?: ParameterConstraint;
  /** False fixes α at its start or calibrated value. Default true. */
  readonly trainAlpha?: boolean;
}

/**
 * A checked policy for activations.
 *
 * @throws ArgumentError on bits outside 1…8, an unknown rounding, or a start value that is not positive
 * @example
 * prepare(net, { weights: binary(), activations: staircase({ bits: 4, proxy: clippedReLU }) });
 */
export function staircase(options: StaircaseOptions): StaircaseOptions {
  const { bits, rounding = "ceil" } = options;
  checkBits("staircase", bits);
  if (rounding !== "ceil" && rounding !== "nearest") {
    throw new ArgumentError({
      op: "staircase",
      what: "unknown rounding",
      expected: "ceil or nearest",
      got: `${rounding}`,
    });
  }
  startAlpha(options);
  return options;
}

function startAlpha({ bits, rounding = "ceil", alpha = "half-gaussian" }: StaircaseOptions): number {
  if (alpha === "half-gaussian") return halfGaussianStep(bits, rounding);
  if (alpha === "authors") return authorsStep(bits);
  if (typeof alpha === "number" && fround(alpha) > 0 && Number.isFinite(fround(alpha))) return alpha;
  throw new ArgumentError({
    op: "staircase",
    what: "bad alpha",
    expected: 'a number > 0, "half-gaussian" or "authors"',
    got: `${alpha}`,
  });
}

/**
 * Quantized ReLU with a trained step: σ(x, α) with levels 0, α, …, Lα. The output is coded: u8 codes with step α, which quantized layers
 * multiply exactly; every other op sees real values.
 *
 * State: `alpha`, one number.
 *
 * @gradient coarse: `proxy` for x, `rule` for α
 * @throws ArgumentError as {@link staircase}; QuantError in forward if α is not a positive number
 * @see BCGD §3 (staircase)
 */
export class Staircase extends Module {
  readonly bits: number;
  proxy: CoarseProxy;
  rule: AlphaRule;
  readonly rounding: Rounding;
  alpha: Parameter;
  #counts: Float64Array | null = null;
  #observer: ((x: NDArray) => void) | null = null;

  constructor(options: StaircaseOptions) {
    super();
    staircase(options);
    this.bits = options.bits;
    this.proxy = options.proxy ?? clippedReLU;
    this.rule = options.rule ?? threeValued;
    this.rounding = options.rounding ?? "ceil";
    this.alpha = new Parameter(NDArray.full([], startAlpha(options)), {
      constraint: { ...ALPHA_CONSTRAINT, ...options.constraint },
      requiresGrad: options.trainAlpha ?? true,
    });
  }

  /** L = 2^bits − 1, the largest code. */
  get top(): number {
    return 2 ** this.bits - 1;
  }

  /** @param x pre-activations of any shape @returns coded u8, the same shape */
  override forward(x: Tensor): Tensor {
    this.#observer?.(x.value);
    const { bits, proxy, rule, rounding } = this;
    const attrs: StaircaseAttrs = { bits, proxy, rule, rounding };
    const y = apply(staircaseOp, [x, this.alpha], attrs);
    if (this.#counts !== null) addHistogram(this.#counts, y.data);
    return y;
  }

  /** See JoinsBatchNorm; null while something observes the pre-activations, or if proxy or rule are functions of the user's own */
  forwardNormalized(x: Tensor, norm: BatchNorm, shortcut: Tensor | null): Tensor | null {
    const { alpha, bits, proxy, rule, rounding } = this;
    if (this.#observer !== null || proxy.kernelId === undefined || rule.kernelId === undefined) return null;
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
  }
  /** Starts (or ends) counting codes in every forward pass; starting clears the counts. Costs one pass over the codes. */
  countCodes(on: boolean): void {
    this.#counts = on ? new Float64Array(this.top + 1) : null;
  }
  /** How often each code 0…L came out since counting began; null if it is off. */
  get codeCounts(): Float64Array | null {
    return this.#counts;
  }
  /** Has `observer` see the real pre-activations of every forward pass before they are quantized; null ends it. */
  observe(observer: ((x: NDArray) => void) | null): void {
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

function addHistogram(counts: Float64Array, codes: NDArray): void {
  withScratch(4 * 256, (ptr) => {
    heap().i32(ptr, 256).fill(0);
    kernelsFor("f32").u8_histogram(codes.ptr, codes.size, ptr);
    const found = heap().i32(ptr, 256);
    for (let code = 0; code < counts.length; code++) counts[code] += found[code];
  });
}
