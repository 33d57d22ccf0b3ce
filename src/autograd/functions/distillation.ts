/** @file The loss of a student against its teacher. */
import { checkOptions } from "../../core/checks.js";
import {
  DISTILLATION_OPTIONS,
  type DistillationLossOptions,
  distillationLoss as distillationLossOp,
} from "../../ops/distillation.js";
import { apply, type Tensor } from "../tensor.js";

/**
 * How far a student's softened outputs are from its teacher's: T²·KL(p ‖ q) = T²·Σ_c p_c·(ln p_c − ln q_c), p =
 * softmax(teacher/T), q = softmax(student/T). The factor T² keeps gradients at the size that they have at T = 1.
 * @param student logits [..., C]
 * @param teacher logits of the same shape; a teacher that is not trained has no gradient (`noGrad`)
 * @param options `temperature` T > 0 (default 4), `reduction`: "mean" over examples (default), "sum" or "none"
 * @returns a scalar, or [...] without reduction; ≥ 0 but for rounding, 0 for equal logits
 * @gradient exact for both: T·(q − p) by the student's logits
 * @throws ArgumentError on a temperature that is not above 0; ShapeError unless the shapes are equal with at least one
 * class, or for a mean over no examples; DTypeError on mixed types
 * @see Hinton, Vinyals and Dean 2015, arXiv:1503.02531, §2
 */
export function distillationLoss(student: Tensor, teacher: Tensor, options: DistillationLossOptions = {}): Tensor {
  checkOptions("distillationLoss", options, DISTILLATION_OPTIONS);
  return apply(distillationLossOp, [student, teacher], options);
}
