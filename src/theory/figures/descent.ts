/** @file Figures of coarse gradient descent: trajectories, endings, more bits, and what identity does. */

import type { ExperimentData } from "../experiments/index.js";
import { angle, axis, byProxy, degrees, lines, type Spec, titled } from "./parts.js";

// Left alone, Vega labels some of the ticks between the powers of ten as well.
const DECADES = [1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000, 10_000];
const log = { scale: { type: "log", nice: false }, axis: { format: "~g", values: DECADES } };
const step = axis("step", "step");

/** Figures of the convergence experiment. */
export function descentFigures(data: ExperimentData["convergence"]): Record<string, Spec> {
  const values = data.trajectories.flatMap(({ name, points }) =>
    points.map((point) => ({ name, ...point, degrees: degrees(point.theta), loss: Math.max(point.loss, 1e-12) })),
  );
  const color = byProxy(["relu, on samples"], "name", "proxy");
  const panel = (y: Spec): Spec => lines(values, { x: step, y, color });
  const quantity = (field: "loss" | "alpha", title: string, options: Spec) =>
    [2, 4].map((bits) => ({
      ...lines(
        data.quantized.filter((point) => point.bits === bits),
        { x: step, y: axis(field, title, options), color: byProxy() },
      ),
      title: `${bits} bits`,
    }));
  return {
    trajectories: titled(
      "One bit: four descents from one start",
      "Expectations in closed form, and relu once more on batches of 256 fresh samples. m = n = 3, η = 0.2.",
      {
        vconcat: [
          { hconcat: [panel(axis("loss", "population loss f", log)), panel(angle("degrees", "angle θ (degrees)"))] },
          { hconcat: [panel(axis("correlation", "⟨E[g], ∂f/∂w⟩")), panel(axis("coarseNorm", "‖E[g]‖"))] },
        ],
      },
    ),
    starts: endings(
      "One bit: where descents from random starts end",
      "Each dot is one descent on expectations to criticality 10⁻⁶; m, n from 2 to 6, η = 0.5.",
      data.starts,
    ),
    quantized: titled(
      "More bits, with a trained step α",
      "Coarse gradient descent on batches of 64 samples from α = 2α*; the loss is the population's, by quadrature.",
      {
        vconcat: [
          { hconcat: quantity("loss", "loss / loss at the start", log) },
          { hconcat: quantity("alpha", "step α / teacher's α*", { scale: { zero: false } }) },
        ],
      },
    ),
  };
}

/** Where and when descents ended, a panel per proxy. */
function endings(text: string, subtitle: string, starts: ExperimentData["convergence"]["starts"]): Spec {
  const proxies = [...new Set(starts.map(({ proxy }) => proxy))];
  const values = starts.map((start) => ({ ...start, loss: Math.max(start.loss, 1e-9) }));
  const names = ["global", "spurious", "other critical point", "not converged"];
  return titled(text, subtitle, {
    hconcat: proxies.map((proxy) => ({
      title: proxy,
      width: 320,
      height: 220,
      data: { values: values.filter((value) => value.proxy === proxy) },
      mark: { type: "point", filled: true, size: 45, opacity: 0.75 },
      encoding: {
        x: axis("steps", "steps until the end", {
          scale: { type: "log", domain: [10, 20_000] },
          axis: { format: "d", values: DECADES },
        }),
        y: axis("loss", "loss at the end (below 10⁻⁹: there)", {
          scale: { type: "log", domain: [1e-9, 10] },
          axis: { format: "~e", values: DECADES },
        }),
        color: {
          field: "ending",
          type: "nominal",
          title: "ended at",
          scale: { domain: names, range: ["#0072b2", "#e69f00", "#999999", "#d55e00"] },
        },
        shape: { field: "ending", type: "nominal", title: "ended at", scale: { domain: names } },
      },
    })),
  });
}

/** Figures of the instability experiment. */
export function instabilityFigures(data: ExperimentData["instability"]): Record<string, Spec> {
  const values = data.escapes.flatMap(({ proxy, points }) =>
    points.map((point) => ({ proxy, ...point, degrees: degrees(point.theta) })),
  );
  const panel = (y: Spec): Spec => lines(values, { x: step, y, color: byProxy() }, { width: 250, height: 200 });
  const named = data.leaks
    .filter(({ leak }) => leak === 0 || leak === 1)
    .map((point) => ({ ...point, name: point.leak === 0 ? "relu (κ = 0)" : "identity (κ = 1)" }));
  const x = axis("leak", "κ = μ′(x) on x < 0 (μ′ = 1 on x > 0)", { scale: { domain: [0, 1.05], nice: false } });
  const y = axis("coarseNorm", "‖E[g]‖ at the spurious minimizer");
  return {
    leak: titled(
      "Only proxies that vanish on x < 0 come to rest at a spurious minimizer",
      "Line: κ(‖v‖² + vᵀv*)/√(2π). Dots: quadrature. v* = (1, 2, −½, 1½).",
      {
        layer: [
          lines(data.leaks, { x, y: axis("formula", "‖E[g]‖ at the spurious minimizer") }, { width: 480, height: 260 }),
          {
            data: { values: data.leaks },
            mark: { type: "point", filled: true, size: 50, opacity: 1 },
            encoding: { x, y },
          },
          {
            data: { values: named.slice(0, 1) },
            mark: { type: "text", align: "left", dx: 34, dy: -7, fontSize: 12 },
            encoding: { x, y, text: { field: "name" } },
          },
          {
            data: { values: named.slice(1) },
            mark: { type: "text", align: "right", dx: -10, dy: -6, fontSize: 12 },
            encoding: { x, y, text: { field: "name" } },
          },
        ],
      },
    ),
    escape: titled(
      "Started beside a spurious minimizer: relu and clipped-relu stay, identity is thrown out",
      [
        "Descent on expectations from θ = 179°, η = 0.1. Identity shrinks w through 0, which turns θ from π to 0.",
        "The lines of the two ReLUs coincide at this scale.",
      ],
      {
        hconcat: [
          panel(axis("loss", "population loss f", { scale: { domainMin: 0 } })),
          panel(angle("degrees", "angle θ (degrees)")),
          panel(axis("length", "‖w‖")),
        ],
      },
    ),
    "starts-identity": endings(
      "From random starts, a share of identity's descents never settles",
      "Each dot is one descent on expectations to criticality 10⁻⁶; identity's were given 5,000 steps, relu's 20,000.",
      data.starts,
    ),
  };
}
