/** @file The loss of a student's features against its teacher's. */
import { apply, type Tensor } from "../autograd/tensor.js";
import { checkOptions } from "../core/checks.js";
import {
  FEATURE_AFFINITY_OPTIONS,
  type FeatureAffinityLossOptions,
  featureAffinityLoss as featureAffinityLossOp,
} from "../ops/feature-affinity.js";

/**
 * How differently a student and its teacher relate the positions of a feature map to each other: with A the affinities
 * of an example, A_pq = cos(f_p, f_q) for the feature vectors f of positions p and q,
 *
 *     ‖A(student) − A(teacher)‖² / P²     P positions
 *
 * Lengths of the vectors do not count, and the two sides may have different channels. Computed exactly from products of
 * channels, ‖SSᵀ − TTᵀ‖² = ‖SᵀS‖² + ‖TᵀT‖² − 2‖SᵀT‖², so that it costs P·(C² + C·D + D²) multiplications and not
 * P²·(C + D).
 * @param student features [N, …, C], images [N, H, W, C] for instance
 * @param teacher features [N, …, D] of the same examples and positions; without a gradient if it is not trained
 * @param options `reduction`: "mean" over examples (default), "sum" or "none"
 * @returns a scalar, or [N] without reduction; between 0 and 4, 0 for equal features but for rounding
 * @gradient exact for both; 0 for a vector of zeros, which has no direction: its affinities count as 0
 * @throws ArgumentError on an unknown reduction; ShapeError unless examples and positions agree, or for a mean over no
 * examples; DTypeError on mixed types
 * @see Li, Yang, Yin, Qi and Xin 2023, arXiv:2302.10899, whose loss this is for each layer
 */
export function featureAffinityLoss(
  student: Tensor,
  teacher: Tensor,
  options: FeatureAffinityLossOptions = {},
): Tensor {
  checkOptions("featureAffinityLoss", options, FEATURE_AFFINITY_OPTIONS);
  return apply(featureAffinityLossOp, [student, teacher], options);
}
