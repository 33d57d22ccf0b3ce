/**
 * @file Quadrature sees proxies that are far narrower than ‖w‖, anywhere and of any form, or says that it does not
 * converge.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArgumentError } from "../../src/core/errors.js";
import { clippedReLU, pact, reluProxy } from "../../src/quant/index.js";
import {
  assemble,
  clippedMoments,
  expectedCoarseGradient,
  integrate,
  type Pose,
  type ProxyMoments,
  poseOf,
  quadratureMoments,
  quantizedGradients,
} from "../../src/theory/index.js";
import { SEED } from "./cases.js";

const { cos, sin, sqrt, exp, PI } = Math;
const ROOT = sqrt(2 * PI);

const LENGTHS = [1e-3, 0.05, 1, 7, 30, 500, 1e4, 1e6];
const ANGLES = [0.01, 0.3, 0.5, 0.9, 1.2, 1.4, 1.484, 1.55, 2, 2.7, 3.1];
const poses = LENGTHS.flatMap((w) => ANGLES.map((theta) => [w, theta] as const));
const pose = (w: number, theta: number): Pose => poseOf("test", [w, 0], [cos(theta), sin(theta)]);

/** Of exp(−(ax)²), whose product with the density is a Gaussian of precision p = 1 + 2a²w². */
function bellMoments(a: number, w: number, theta: number): ProxyMoments {
  const p = 1 + 2 * a * a * w * w;
  const k = cos(theta) / sin(theta);
  const root = sqrt(p + k * k);
  return { mean: 0, own: 1 / (ROOT * p), along: k / (ROOT * p * root), across: 1 / (ROOT * root) };
}

/** Relative to the moments' own sizes, which fall like 1/‖w‖² and 1/‖w‖. */
function expectMoments(got: ProxyMoments, want: ProxyMoments, tolerance: number): void {
  const size = Math.abs(want.own) + Math.abs(want.mean);
  for (const name of ["mean", "own", "along"] as const) {
    expect(Math.abs(got[name] - want[name]), name).toBeLessThanOrEqual(tolerance * size);
  }
  expect(Math.abs(got.across - want.across), "across").toBeLessThanOrEqual(tolerance * Math.abs(want.across));
}

describe("quadratureMoments", () => {
  it.each([0.2, 1, 30, 1000])("of exp(−(%dx)²), at every ‖w‖ and θ", (a) => {
    for (const [w, theta] of poses) {
      const moments = quadratureMoments(pose(w, theta), { name: "bell", dx: (x) => exp(-a * a * x * x) });
      expectMoments(moments, bellMoments(a, w, theta), 1e-9);
    }
  });

  it("of a box far from 0, on either side: the difference of two clipped ReLUs", () => {
    const places = fc.record({
      pose: fc.constantFrom(...poses.filter(([w]) => w >= 1)),
      from: fc.double({ min: 1e-3, max: 3, noNaN: true }),
      width: fc.double({ min: 0.02, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(places, ({ pose: [w, theta], from, width }) => {
        const to = from * (1 + width);
        const at = pose(w, theta);
        const [low, high] = [clippedMoments(at, from), clippedMoments(at, to)];
        const [own, across] = [high.own - low.own, high.across - low.across];
        const box = (x: number): number => (x > from && x <= to ? 1 : 0);
        const right = quadratureMoments(at, { name: "box", dx: box });
        const left = quadratureMoments(at, { name: "box", dx: (x) => box(-x) });
        // The closed form subtracts numbers near 1 and near 1/‖w‖.
        const near = (got: number, want: number) =>
          expect(Math.abs(got - want)).toBeLessThanOrEqual(1e-8 * Math.abs(want) + 4e-15);
        near(right.mean, own);
        near(right.own, own);
        near(right.along, high.along - low.along);
        near(right.across, across);
        near(left.mean, -own);
        near(left.own, 0);
        near(left.across, across);
      }),
      { seed: SEED, numRuns: 60 },
    );
  });

  it("of a heavy tail, 1/(1 + x²): as by fine pieces of the plain rule", () => {
    for (const w of [1, 30, 500]) {
      const at = pose(w, 1.2);
      const moments = quadratureMoments(at, { name: "tail", dx: (x) => 1 / (1 + x * x) });
      // Substituting x = sinh(s)/w, on which scale all of it is smooth; 20,000 midpoints.
      const reach = Math.asinh(11 * w);
      const step = reach / 20_000;
      let [own, across] = [0, 0];
      for (let s = step / 2; s < reach; s += step) {
        const x = Math.sinh(s) / w;
        const slope = (exp((-x * x) / 2) / ROOT / (1 + w * w * x * x)) * (Math.cosh(s) / w) * step;
        own += x * slope;
        across += (2 * slope * exp(-0.5 * ((x * cos(1.2)) / sin(1.2)) ** 2)) / ROOT;
      }
      expect(Math.abs(moments.own / own - 1)).toBeLessThan(1e-7);
      expect(Math.abs(moments.across / across - 1)).toBeLessThan(1e-7);
      expect(Math.abs(moments.mean)).toBeLessThan(1e-12);
    }
  });

  it("of something narrower than what is looked at, where `jumps` names it", () => {
    const at = pose(1, 1);
    const [from, to] = [2, 2 + 1e-5];
    const dx = (x: number): number => (x > from && x <= to ? 1 : 0);
    const moments = quadratureMoments(at, { name: "needle", dx }, [from, to]);
    expect(Math.abs(moments.own / (1e-5 * 2 * (exp(-2) / ROOT)) - 1)).toBeLessThan(1e-4);
  });

  it("is what the expectation and the b-bit model stand on", () => {
    const bell = { name: "bell", dx: (x: number) => exp(-x * x) };
    for (const [w, theta] of poses.filter(([length]) => length > 1 && length < 1e4)) {
      const student = { v: [1, -0.5], w: [w, 0] };
      const teacher = { v: [0.5, 2], w: [cos(theta), sin(theta)] };
      const want = assemble(student, teacher, pose(w, theta), bellMoments(1, w, theta));
      const size = 1e-8 * Math.hypot(...want);
      const one = expectedCoarseGradient(student, teacher, bell);
      const options = { bits: 1, proxy: bell, rule: { name: "own", dalpha: pact.dalpha }, tolerance: 1e-17 };
      const two = quantizedGradients({ ...student, alpha: 1 }, { ...teacher, alpha: 1 }, options);
      for (const i of [0, 1]) {
        expect(Math.abs(one[i] - want[i])).toBeLessThanOrEqual(size);
        expect(Math.abs(two.coarseW[i] - want[i])).toBeLessThanOrEqual(size);
      }
      const known = quantizedGradients({ ...student, alpha: 1 }, { ...teacher, alpha: 1 }, { ...options, rule: pact });
      expect(Math.abs(two.coarseAlpha - known.coarseAlpha)).toBeLessThan(1e-10);
    }
  });

  it("adds no pieces for slopes that are constant between named places: the same bits", () => {
    const at = pose(3, 0.7);
    for (const proxy of [reluProxy, clippedReLU]) {
      const moments = quadratureMoments(at, { name: "copy", dx: proxy.dx }, [0, 1]);
      expect(quadratureMoments(at, proxy, [0, 1])).toEqual(moments);
    }
  });
});

describe("integrate", () => {
  it("refuses what does not converge, instead of running for ever", () => {
    let state = 1;
    const noise = (): number => {
      state = (state * 48271) % 2147483647;
      return state / 2147483647;
    };
    expect(() => integrate(() => [noise()], [0, 1])).toThrow(ArgumentError);
    expect(() => integrate((x) => [1 / sqrt(x)], [0, 1])).toThrow("integrate: no convergence");
  });
});
