/** @file The figures of each experiment, by name. */

import type { ExperimentData, Topic } from "../experiments/index.js";
import { blendingFigures } from "./blending.js";
import { descentFigures, instabilityFigures } from "./descent.js";
import { angle, axis, byProxy, degrees, lines, type Spec, titled } from "./parts.js";

/** Name without extension → specification. */
export type Figures = Readonly<Record<string, Spec>>;

/** Makers of each experiment's figures: Vega-Lite specifications by name, of the numbers that the experiment gives. */
export const figures: { readonly [T in Topic]: (data: ExperimentData[T]) => Figures } = {
  correlation: correlationFigures,
  convergence: descentFigures,
  instability: instabilityFigures,
  descent: blendingFigures,
  separable: separableFigures,
};

function correlationFigures({ curve, map }: ExperimentData["correlation"]): Figures {
  const points = curve.map((point) => ({ ...point, degrees: degrees(point.theta) }));
  const sampled = points.flatMap(({ mean, error, ...point }) =>
    mean === undefined || error === undefined
      ? []
      : [{ ...point, mean, low: mean - 2 * error, high: mean + 2 * error }],
  );
  const x = angle("degrees", "angle θ between w and w* (degrees)");
  const value = "⟨E[g], ∂f/∂w⟩";
  return {
    correlation: titled(
      "One bit: the expected coarse gradient points the way of the true one",
      "Lines: closed forms. Dots: Monte Carlo through the engine, bars ± 2 standard errors. v* = (1, ½), v = (0.8, 1), ‖w‖ = 1.",
      {
        width: 560,
        height: 300,
        layer: [
          lines(points, { x, y: axis("formula", value), color: byProxy() }, { width: 560, height: 300 }),
          {
            data: { values: sampled },
            mark: { type: "rule", strokeWidth: 2 },
            encoding: { x, y: axis("low", value), y2: { field: "high" }, color: byProxy() },
          },
          {
            data: { values: sampled },
            mark: { type: "point", filled: true, size: 40, opacity: 1 },
            encoding: { x, y: axis("mean", value), color: byProxy() },
          },
        ],
      },
    ),
    bits: titled(
      "More bits: where the coarse gradient still points the way of the true one, and where not",
      "Cosine of the angle between E[g] and ∂f/∂w; v* = (1, ½), v = (−0.3, 1), α = α*. Blue: the same way; red: opposed.",
      {
        data: {
          values: map.map((point) => ({
            ...point,
            degrees: Math.round(degrees(point.theta)),
            size: point.length.toFixed(2),
            width: `${point.bits} bits`,
          })),
        },
        facet: {
          row: { field: "width", type: "nominal", title: null },
          column: { field: "proxy", type: "nominal", title: null, sort: ["clipped-relu", "relu", "identity"] },
        },
        spec: {
          width: 200,
          height: 150,
          mark: { type: "rect" },
          encoding: {
            x: {
              field: "degrees",
              type: "ordinal",
              title: "angle θ (degrees)",
              axis: { labelAngle: 0, labelOverlap: true },
            },
            y: { field: "size", type: "ordinal", title: "‖w‖ (‖w*‖ = 1)", sort: "descending" },
            color: axis("cosine", "cosine", {
              scale: { scheme: "redblue", domain: [-1, 1], domainMid: 0 },
              legend: { gradientLength: 220 },
            }),
          },
        },
      },
    ),
  };
}

function separableFigures({ runs, classes, subspace, train }: ExperimentData["separable"]): Figures {
  const values = runs.flatMap(({ bits, proxy, points }) =>
    points.map((point) => ({ step: point.step, percent: 100 * point.train, proxy, width: `${bits} bits` })),
  );
  const widths = [...new Set(values.map(({ width }) => width))];
  return {
    separable: titled(
      "Classes in orthogonal subspaces: proxies that vanish on x < 0 learn them all",
      [
        `${classes} classes of dimension ${subspace} each, ${train} points, both signs of a point in one class;`,
        "full-batch coarse gradient descent on the hinge loss.",
      ],
      {
        hconcat: widths.map((width) => ({
          ...lines(
            values.filter((value) => value.width === width),
            {
              x: axis("step", "step"),
              y: axis("percent", "training points classified (%)", { scale: { domain: [0, 102], nice: false } }),
              color: byProxy(["1/(1 + x)"]),
              strokeDash: {
                field: "proxy",
                type: "nominal",
                title: "proxy",
                scale: {
                  domain: ["clipped-relu", "relu", "identity", "1/(1 + x)"],
                  range: [
                    [1, 0],
                    [6, 3],
                    [1, 0],
                    [2, 2],
                  ],
                },
              },
            },
            { width: 320, height: 220 },
          ),
          title: width,
        })),
      },
    ),
  };
}
