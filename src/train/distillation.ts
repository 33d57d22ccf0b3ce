/** @file Distillation: a student learns from labels and from the outputs of a network that was trained before. */
import { distillationLoss } from "../autograd/functions.js";
import { noGrad } from "../autograd/graph.js";
import { Tensor } from "../autograd/tensor.js";
import { above, atLeast, checkOptions, listOf, type OptionRules, refuse, text, within } from "../core/checks.js";
import { CoarsegradError, ShapeError } from "../core/errors.js";
import { type Shape, sameShape, shapeText } from "../core/shape.js";
import { NDArray } from "../ndarray/ndarray.js";
import { Conv2d } from "../nn/conv.js";
import { featureAffinityLoss } from "../nn/feature-affinity.js";
import { Module } from "../nn/module.js";
import { weightsDigest } from "./digest.js";
import { modulesCalled, withOutputs } from "./module-outputs.js";

/** A packed model as a teacher: a session of `coarsegrad/infer` is one. */
export interface TeacherSession {
  /** Shape of one input. */
  readonly inputShape: Shape;
  /** Shape of one output. */
  readonly outputShape: Shape;
  /** Outputs of any number of inputs, one after the other. */
  run(input: Uint8Array | Float32Array): Float32Array;
}

/** Choices of {@link distillation}. */
export interface DistillationOptions {
  /** T > 0: what both sides' logits are divided by before their softmax. Default 4. */
  readonly temperature?: number;
  /** w in [0, 1]: the teacher's share of the loss; 1 leaves the labels out. Default 0.9. */
  readonly weight?: number;
  /**
   * Layers whose outputs are compared too, by their affinities (`featureAffinityLoss`): paths that student and teacher
   * both have, blocks such as `layer1.2` of `resnet20`. Default: outputs alone.
   */
  readonly features?: readonly string[];
  /** β ≥ 0: what the sum of these layers' losses is multiplied by. Default 10. */
  readonly featureWeight?: number;
}

const RULES: OptionRules<DistillationOptions> = {
  temperature: above(0),
  weight: within(0, 1),
  features: listOf(text),
  featureWeight: atLeast(0),
};

/** What the labels' and the teacher's terms of a loss were, before they were weighted. */
export interface LossParts {
  /** Mean cross-entropy with the labels. */
  readonly labels: number;
  /** Mean T²·KL(teacher ‖ student). */
  readonly teacher: number;
  /** Mean loss of the features, summed over their layers; absent where none are compared. */
  readonly features?: number;
}

/** What the teacher says of a batch: tensors of the open scope. */
export interface Lesson {
  /** Its outputs [N, C]. */
  readonly logits: Tensor;
  /** Outputs of the layers whose features are compared. */
  readonly features: readonly Tensor[];
}

/** A loss that has both terms; {@link distillation} makes one. */
export class Distillation {
  /** T. */
  readonly temperature: number;
  /** The teacher's share w. */
  readonly weight: number;
  /** Layers whose features are compared. */
  readonly features: readonly string[];
  /** β. */
  readonly featureWeight: number;
  readonly #teacher: Module | TeacherSession;

  constructor(teacher: Module | TeacherSession, options: DistillationOptions = {}) {
    const given = teacher as Partial<TeacherSession> | null | undefined;
    const fits = teacher instanceof Module || (typeof given?.run === "function" && Array.isArray(given.outputShape));
    if (!fits) refuse("distillation", "teacher", "a network, or a session of a packed one", teacher);
    checkOptions("distillation", options, RULES);
    const { temperature = 4, weight = 0.9, features = [], featureWeight = 10 } = options;
    this.temperature = temperature;
    this.weight = weight;
    this.features = [...features];
    this.featureWeight = featureWeight;
    this.#teacher = teacher;
    if (features.length === 0) return;
    if (!(teacher instanceof Module)) refuse("distillation", "features", "a teacher that is not packed", features);
    modulesCalled("distillation: features of the teacher", teacher, features);
  }

  /** The network that must not be the one that is trained; null for a session. */
  get network(): Module | null {
    return this.#teacher instanceof Module ? this.#teacher : null;
  }

  /**
   * The teacher's logits for a batch: in evaluation mode, nothing recorded, modes put back.
   *
   * @param inputs what the student is given
   * @returns a tensor of the open scope
   * @throws ArgumentError if a session is given several inputs, or inputs of another size
   */
  logits(inputs: readonly Tensor[]): Tensor {
    const teacher = this.#teacher;
    if (teacher instanceof Module) return noGrad(() => evaluated(teacher, inputs));
    if (inputs.length !== 1) refuse("distillation", "inputs", "one: the teacher is a packed model", inputs.length);
    const [{ data }] = inputs;
    if (!sameShape(data.shape.slice(1), teacher.inputShape)) {
      const [expected, got] = [shapeText(teacher.inputShape), shapeText(data.shape.slice(1))];
      throw new ShapeError({ op: "distillation", what: "the teacher takes other inputs", expected, got });
    }
    // Copied: running may move the heap.
    const outputs = teacher.run(data.toTypedArray() as Uint8Array | Float32Array);
    return new Tensor(NDArray.from(outputs, [data.shape[0], ...teacher.outputShape]));
  }

  /** What the teacher says of a batch: its logits, and its features where those are compared. @throws as `logits` does */
  lesson(inputs: readonly Tensor[]): Lesson {
    const { network } = this;
    if (network === null || this.features.length === 0) return { logits: this.logits(inputs), features: [] };
    const op = "distillation: features of the teacher";
    const { result, outputs } = withOutputs(op, network, this.features, () => this.logits(inputs));
    return { logits: result, features: outputs };
  }

  /** Runs the student. @param run its forward pass @returns its output, and its features where those are compared */
  listen(net: Module, run: () => Tensor): { readonly output: Tensor; readonly features: readonly Tensor[] } {
    if (this.features.length === 0) return { output: run(), features: [] };
    const { result, outputs } = withOutputs("distillation: features of the student", net, this.features, run);
    return { output: result, features: outputs };
  }

  /** Losses of the features, summed over the layers; null where none are compared. */
  affinity(student: readonly Tensor[], teacher: readonly Tensor[], reduction: "mean" | "none" = "mean"): Tensor | null {
    const losses = student.map((own, i) => featureAffinityLoss(own, teacher[i], { reduction }));
    return losses.length === 0 ? null : losses.reduce((sum, loss) => sum.add(loss));
  }

  /** Refuses a teacher that is the student, or has weights of it, or other layers. @throws ArgumentError */
  checkStudent(net: Module): void {
    modulesCalled("distillation: features of the student", net, this.features);
    const own = new Set<unknown>([net, ...net.parameters()]);
    const shared = this.network?.parameters().find((parameter) => own.has(parameter));
    if (this.network === net || shared !== undefined) {
      refuse("distillation", "teacher", "a network of its own: it is not trained", shared?.name ?? "the student");
    }
  }

  /**
   * Refuses a teacher that cannot teach, by one input of zeros.
   *
   * @param input [1, …]
   * @param classes that the labels are of
   * @throws ShapeError if it does not take such inputs, or has other classes
   */
  check(input: Tensor, classes: number): void {
    const own = this.#outputsFor(input);
    if (sameShape(own, [1, classes])) return;
    throw new ShapeError({
      op: "distillation",
      what: "the teacher has other classes than the labels",
      expected: `outputs ${shapeText([1, classes])} for an input ${shapeText(input.shape)}`,
      got: shapeText(own),
    });
  }

  #outputsFor(input: Tensor): Shape {
    try {
      return this.logits([input]).shape;
    } catch (cause) {
      if (!(cause instanceof CoarsegradError)) throw cause;
      const expected = "a network for the student's inputs";
      const got = `${shapeText(input.shape)}, and ${cause.message}`;
      throw new ShapeError({ op: "distillation", what: "the teacher takes other inputs", expected, got });
    }
  }

  /** T²·KL(teacher ‖ student) of a batch. @throws ShapeError unless both have as many classes */
  soft(student: Tensor, teacher: Tensor, reduction: "mean" | "none" = "mean"): Tensor {
    if (!sameShape(student.shape, teacher.shape)) {
      throw new ShapeError({
        op: "distillation",
        what: "the student's and the teacher's outputs differ",
        expected: `${shapeText(teacher.shape)}, as the teacher's`,
        got: shapeText(student.shape),
      });
    }
    return distillationLoss(student, teacher, { temperature: this.temperature, reduction });
  }

  /** (1 − w)·labels + w·soft + β·affinity, and each by itself. */
  mix(
    labels: Tensor,
    soft: Tensor,
    affinity: Tensor | null = null,
  ): { readonly loss: Tensor; readonly parts: LossParts } {
    const loss = labels.mul(1 - this.weight).add(soft.mul(this.weight));
    const parts = { labels: labels.item(), teacher: soft.item() };
    if (affinity === null) return { loss, parts };
    return { loss: loss.add(affinity.mul(this.featureWeight)), parts: { ...parts, features: affinity.item() } };
  }

  /** What decides its result, for ranks to compare. */
  identity(): string {
    const own = this.network === null ? "a session" : weightsDigest(this.network);
    const logits = `${own}, temperature ${this.temperature}, weight ${this.weight}`;
    return this.features.length === 0 ? logits : `${logits}, features ${this.features} by ${this.featureWeight}`;
  }
}

/**
 * Runs a network as it is evaluated. Its real convolutions take the algorithm of training (Winograd where that suits),
 * which is faster and rounds otherwise in the last bits: a teacher need not give the bits of its packed file.
 */
function evaluated(net: Module, inputs: readonly Tensor[]): Tensor {
  const modes = net.modules().map((module) => [module, module.training] as const);
  net.eval();
  const real = (module: Module): boolean => Object.getPrototypeOf(module) === Conv2d.prototype;
  for (const [module] of modes) if (real(module)) module.training = true;
  try {
    return (net.forward as (...inputs: readonly Tensor[]) => Tensor).apply(net, inputs as Tensor[]);
  } finally {
    for (const [module, training] of modes) module.training = training;
  }
}

/**
 * The loss of a student with a teacher, for `fit`:
 *
 *     (1 − w)·cross-entropy(labels, student) + w·T²·KL(softmax(teacher/T) ‖ softmax(student/T))
 *       + β·Σ over layers of featureAffinityLoss(student's output, teacher's output)
 *
 * The teacher sees what the student sees, augmented as it is, in evaluation mode, and is not changed; normalization that
 * is part of a network (`normalizeInput`) is its own. With shards each rank asks its teacher about its own shards: the
 * result has the same bits for any number of ranks.
 *
 * @param teacher a network with as many classes, in float or quantized; or a packed one, as `createSession` gives it.
 * It stays the caller's
 * @param options `temperature` T (default 4), `weight` w (default 0.9), `features` (default none) and their
 * `featureWeight` β (default 10)
 * @throws ArgumentError on options out of range, layers that the teacher has not, or features of a packed teacher
 * @see Hinton, Vinyals and Dean 2015, arXiv:1503.02531; Li et al. 2023, arXiv:2302.10899
 * @example
 * await fit(student, train, { epochs: 10, optimizer, loss: distillation(teacher, { temperature: 4, weight: 0.5 }) });
 */
export function distillation(teacher: Module | TeacherSession, options: DistillationOptions = {}): Distillation {
  return new Distillation(teacher, options);
}
