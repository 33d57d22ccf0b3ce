/** @file Adaptive Gauss–Kronrod integration. */
import { above, callable, check, listOf, numeric } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";

// Abscissae and weights of the 15-point Kronrod rule and the 7-point Gauss rule inside it (QUADPACK's qk15), from the
// outside in.
const NODES = [
  0.9914553711208126, 0.9491079123427585, 0.8648644233597691, 0.7415311855993945, 0.5860872354676911,
  0.4058451513773972, 0.20778495500789848, 0,
];
const KRONROD = [
  0.022935322010529224, 0.06309209262997856, 0.10479001032225019, 0.14065325971552592, 0.1690047266392679,
  0.19035057806478542, 0.20443294007529889, 0.20948214108472782,
];
const GAUSS = [0.1294849661688697, 0.27970539148927664, 0.3818300505051189, 0.4179591836734694];

/** Several integrands of one variable, evaluated together. */
export type Integrand = (x: number) => readonly number[];

/** Kronrod estimates on [a, b] and the largest difference from the Gauss rule. */
function rule(f: Integrand, a: number, b: number): { values: number[]; error: number } {
  const centre = 0.5 * (a + b);
  const half = 0.5 * (b - a);
  const middle = f(centre);
  if (!Array.isArray(middle) || middle.length === 0) check("integrate", "integrand's value", middle, listOf(numeric));
  const values = middle.map((y) => KRONROD[7] * y);
  const coarse = middle.map((y) => GAUSS[3] * y);
  for (let i = 0; i < 7; i++) {
    const left = f(centre - half * NODES[i]);
    const right = f(centre + half * NODES[i]);
    for (let k = 0; k < values.length; k++) {
      const pair = left[k] + right[k];
      values[k] += KRONROD[i] * pair;
      if (i % 2 === 1) coarse[k] += GAUSS[(i - 1) / 2] * pair;
    }
  }
  const error = half * Math.max(...values.map((y, k) => Math.abs(y - coarse[k])));
  return { values: values.map((y) => half * y), error };
}

/**
 * ∫ f over the pieces between `points`, each halved until the two rules agree.
 *
 * Where f has jumps, name them among the points: between them 1e-13 is usual. An unnamed jump is bisected to a width of
 * 2^-40 of its piece. A feature that falls between the 15 nodes of its piece is not seen: put an end of a piece beside
 * it.
 *
 * @param f integrands, finite on the closed range
 * @param points ends of the pieces, ascending; equal neighbours are skipped
 * @param tolerance absolute error allowed per piece. Default 1e-14
 * @returns one integral per integrand
 * @throws ArgumentError if an integrand is not finite, or if the integrals do not converge: more than 200,000 pieces,
 * or an estimated error above 1e-9 (relative to integrals above 1) where pieces are halved no more
 */
export function integrate(f: Integrand, points: readonly number[], tolerance = 1e-14): number[] {
  check("integrate", "integrand", f, callable);
  check("integrate", "points", points, listOf(numeric));
  check("integrate", "tolerance", tolerance, above(0));
  let sums: number[] = [];
  let pieces = 0;
  let missed = 0;
  const add = (a: number, b: number, allowed: number, depth: number): void => {
    const { values, error } = rule(f, a, b);
    if (!values.every(Number.isFinite)) {
      throw new ArgumentError({ op: "integrate", what: "integrand that is not finite", got: `on [${a}, ${b}]` });
    }
    // Below some ulps of the integral the difference of the rules is their rounding.
    if (++pieces > MOST_PIECES) refuseSlow(`more than ${MOST_PIECES} pieces`);
    const noise = 4e-15 * Math.max(...values.map(Math.abs));
    const coarse = error > Math.max(allowed, noise);
    if (coarse && depth < 40) {
      const middle = 0.5 * (a + b);
      add(a, middle, 0.5 * allowed, depth + 1);
      add(middle, b, 0.5 * allowed, depth + 1);
    } else {
      sums = values.map((y, k) => (sums[k] ?? 0) + y);
      if (coarse) missed += error;
    }
  };
  for (let i = 1; i < points.length; i++) if (points[i] > points[i - 1]) add(points[i - 1], points[i], tolerance, 0);
  if (missed > MOST_MISSED * Math.max(1, ...sums.map(Math.abs))) refuseSlow(`an error of about ${missed}`);
  return sums;
}

/** Pieces that a call may take, and the error that may be left where they are too narrow to halve. */
const MOST_PIECES = 200_000;
const MOST_MISSED = 1e-9;

function refuseSlow(got: string): never {
  throw new ArgumentError({
    op: "integrate",
    what: "no convergence",
    expected: "smooth integrands between the points",
    got,
    hint: "name jumps and poles among the points (the jumps of a proxy in the option jumps)",
  });
}
