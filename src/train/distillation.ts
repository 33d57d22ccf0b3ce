/** @file Distillation: a student learns from labels and from the outputs of a network that was trained before. */
import { distillationLoss } from "../autograd/functions.js";
import { noGrad } from "../autograd/graph.js";
import { Tensor } from "../autograd/tensor.js";
import { above, checkOptions, type OptionRules, refuse, within } from "../core/checks.js";
import { CoarsegradError, ShapeError } from "../core/errors.js";
import { type Shape, sameShape, shapeText } from "../core/shape.js";
import { NDArray } from "../ndarray/ndarray.js";
import { Conv2d } from "../nn/conv.js";
import { Module } from "../nn/module.js";
import { weightsDigest } from "./digest.js";

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
}

const RULES: OptionRules<DistillationOptions> = { temperature: above(0), weight: within(0, 1) };

/** What the labels' and the teacher's terms of a loss were, before they were weighted. */
export interface LossParts {
  /** Mean cross-entropy with the labels. */
  readonly labels: number;
  /** Mean T²·KL(teacher ‖ student). */
  readonly teacher: number;
}

/** A loss that has both terms; {@link distillation} makes one. */
export class Distillation {
  /** T. */
  readonly temperature: number;
  /** The teacher's share w. */
  readonly weight: number;
  readonly #teacher: Module | TeacherSession;

  constructor(teacher: Module | TeacherSession, options: DistillationOptions = {}) {
    const given = teacher as Partial<TeacherSession> | null | undefined;
    const fits = teacher instanceof Module || (typeof given?.run === "function" && Array.isArray(given.outputShape));
    if (!fits) refuse("distillation", "teacher", "a network, or a session of a packed one", teacher);
    checkOptions("distillation", options, RULES);
    const { temperature = 4, weight = 0.9 } = options;
    this.temperature = temperature;
    this.weight = weight;
    this.#teacher = teacher;
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

  /** Refuses a teacher that is the student, or has weights of it. @throws ArgumentError */
  checkStudent(net: Module): void {
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

  /** (1 − w)·labels + w·soft, and both by themselves. */
  mix(labels: Tensor, soft: Tensor): { readonly loss: Tensor; readonly parts: LossParts } {
    return {
      loss: labels.mul(1 - this.weight).add(soft.mul(this.weight)),
      parts: { labels: labels.item(), teacher: soft.item() },
    };
  }

  /** What decides its result, for ranks to compare. */
  identity(): string {
    const own = this.network === null ? "a session" : weightsDigest(this.network);
    return `${own}, temperature ${this.temperature}, weight ${this.weight}`;
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
 *
 * The teacher sees what the student sees, augmented as it is, in evaluation mode, and is not changed; normalization that
 * is part of a network (`normalizeInput`) is its own. With shards each rank asks its teacher about its own shards: the
 * result has the same bits for any number of ranks.
 *
 * @param teacher a network with as many classes, in float or quantized; or a packed one, as `createSession` gives it.
 * It stays the caller's
 * @param options `temperature` T (default 4), `weight` w (default 0.9)
 * @throws ArgumentError on options out of range
 * @see Hinton, Vinyals and Dean 2015, arXiv:1503.02531
 * @example
 * await fit(student, train, { epochs: 10, optimizer, loss: distillation(teacher, { temperature: 4, weight: 0.5 }) });
 */
export function distillation(teacher: Module | TeacherSession, options: DistillationOptions = {}): Distillation {
  return new Distillation(teacher, options);
}
