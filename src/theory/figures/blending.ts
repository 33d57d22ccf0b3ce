/** @file Figures of BCGD's sufficient descent. */

import type { ExperimentData } from "../experiments/index.js";
import { axis, lines, type Spec, titled } from "./parts.js";

/** Figures of the descent experiment. */
export function blendingFigures({ sharp, rhos, curves }: ExperimentData["descent"]): Record<string, Spec> {
  const gap = axis("gap", "gap (distance of w_f from the boundary)", {
    scale: { type: "log", nice: false, reverse: true },
    axis: { format: "~e", values: [1e-1, 1e-2, 1e-3, 1e-4, 1e-5] },
  });
  const dotted = (y: Spec, one: number): Spec => ({
    width: 320,
    height: 220,
    layer: [
      {
        data: { values: [{ one }] },
        mark: { type: "rule", strokeDash: [5, 4], color: "#999999" },
        encoding: { y: { datum: one } },
      },
      {
        data: { values: sharp },
        mark: { type: "line", point: { size: 50 }, strokeWidth: 2 },
        encoding: { x: gap, y },
      },
    ],
  });
  const values = rhos.map(({ rho, ascentShare, finalLoss, flips }) => ({
    rho: `${rho}`,
    ascents: 100 * ascentShare,
    finalLoss,
    flips: Math.max(flips, 0.01),
  }));
  const order = rhos.map(({ rho }) => `${rho}`);
  const x = { field: "rho", type: "ordinal", title: "blending ρ", sort: order, axis: { labelAngle: -45 } };
  const bars = (y: Spec): Spec => ({
    width: 250,
    height: 190,
    data: { values },
    mark: { type: "line", point: { size: 45 }, strokeWidth: 2 },
    encoding: { x, y },
  });
  return {
    sharp: titled(
      "The descent inequality is nearly an equality in this example; with ρ = 0 the same start climbs",
      "Two weights of 1 bit, f = ½‖w − c‖², ρ = 0.1, η = 0.05 (η < ρ/L with L = 1).",
      {
        hconcat: [
          dotted(
            axis("ratio", "descent / guaranteed descent", {
              scale: { type: "log", domain: [0.95, 10], nice: false },
              axis: { values: [1, 2, 5, 10], format: "d" },
            }),
            1,
          ),
          dotted(
            axis("unblendedRise", "ρ = 0: rise / largest possible rise", { scale: { domainMax: 1.5, nice: false } }),
            1,
          ),
        ],
      },
    ),
    rho: titled(
      "ρ trades speed for stability",
      [
        "BCGD with 1-bit weights on 30 random least-squares problems of 10 weights, η = 0.02/L, 400 steps.",
        "Above ρ = ηL = 0.02 descent is guaranteed.",
      ],
      {
        vconcat: [
          lines(
            curves.map((point) => ({ ...point, name: `${point.rho}` })),
            {
              x: axis("step", "step"),
              y: axis("loss", "mean of f(w) / best f found", {
                scale: { type: "log" },
                axis: { values: [1, 2, 3, 4, 5, 7, 10] },
              }),
              color: {
                field: "name",
                type: "nominal",
                title: "ρ",
                sort: null,
                scale: { range: ["#d55e00", "#e69f00", "#009e73", "#56b4e9", "#0072b2"] },
              },
            },
            { width: 880, height: 240 },
          ),
          {
            hconcat: [
              bars(axis("ascents", "steps that raise f (%)")),
              bars(
                axis("flips", "signs that change in a run", {
                  scale: { type: "log" },
                  axis: { format: "~g", values: [0.1, 1, 10, 100, 1000] },
                }),
              ),
              bars(axis("finalLoss", "median of final f / best f found", { scale: { zero: false } })),
            ],
          },
        ],
      },
    ),
  };
}
