/** @file The gradients of a network's parameters after a backward pass, as a table. */
import { INSPECT } from "../core/inspect.js";
import { count, significant } from "../core/quantities.js";
import { type Shape, shapeText } from "../core/shape.js";
import { table } from "../core/table.js";
import type { Module } from "../nn/module.js";
import { checkNetwork } from "./calls.js";
import { type ArrayStatistics, statistics } from "./statistics.js";

/** One parameter and its gradient. */
export interface GradientRow {
  /** Dotted path. */
  readonly name: string;
  /** The parameter's shape. */
  readonly shape: Shape;
  /** False if it is frozen. */
  readonly requiresGrad: boolean;
  /** Of its values; of quantized weights, the latent ones. */
  readonly values: ArrayStatistics;
  /** Of its gradient; null if it has none. */
  readonly gradient: ArrayStatistics | null;
  /** ‖gradient‖ / ‖values‖: how far a step of rate 1 goes. NaN without a gradient, or if all values are 0. */
  readonly ratio: number;
}

/** The gradients of a network's parameters; prints as a table. */
export class GradientReport {
  /** One row for each parameter, in the network's order. */
  readonly parameters: readonly GradientRow[];
  /** Euclidean norm of all gradients together, as `clipGradNorm` measures it. */
  readonly norm: number;
  /** Parameters that are trained and have no gradient. */
  readonly withoutGradient: readonly string[];

  constructor(parameters: readonly GradientRow[]) {
    this.parameters = parameters;
    this.norm = Math.sqrt(
      parameters.reduce((sum, { gradient }) => sum + (gradient?.norm ?? 0) * (gradient?.norm ?? 0), 0),
    );
    this.withoutGradient = parameters.flatMap((row) => (row.requiresGrad && row.gradient === null ? [row.name] : []));
  }

  /** The table as text. */
  toString(): string {
    const right = true;
    const rows = this.parameters.map(({ name, shape, gradient, requiresGrad, ratio }) => [
      name,
      shapeText(shape),
      ...(gradient === null
        ? [requiresGrad ? "none" : "frozen", "", "", "", "", ""]
        : [
            ...[gradient.norm, gradient.min, gradient.max, gradient.mean, ratio].map(significant),
            gradient.nonFinite === 0 ? "" : count(gradient.nonFinite),
          ]),
    ]);
    return [
      table(
        [
          { head: "parameter" },
          { head: "shape" },
          { head: "norm", right },
          { head: "min", right },
          { head: "max", right },
          { head: "mean", right },
          { head: "norm / values", right },
          { head: "not finite", right },
        ],
        rows,
        [["all", "", significant(this.norm)]],
      ),
    ].join("\n");
  }
  [INSPECT](): string {
    return this.toString();
  }
}

/**
 * Norm and range of the gradient of every parameter: between `backward()` and `zeroGrad()`.
 *
 * @returns a row for each parameter, shared ones once, and the norm of all; `console.log` prints a table
 * @throws ArgumentError on what is no network; DisposedError
 * @example
 * loss.backward();
 * console.log(gradients(net));
 */
export function gradients(net: Module): GradientReport {
  checkNetwork("gradients", net);
  return new GradientReport(
    [...net.namedParameters()].map(([name, { data, gradient, requiresGrad }]) => {
      const values = statistics(data);
      const own = gradient?.alive ? statistics(gradient) : null;
      const ratio = own === null ? Number.NaN : own.norm / values.norm;
      return { name, shape: data.shape.slice(), requiresGrad, values, gradient: own, ratio };
    }),
  );
}
