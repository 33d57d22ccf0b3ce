/** @file How far an accuracy may be off because the test images are a sample, and whether two of them differ. */

/** An accuracy over some test images. */
export interface Measured {
  /** Percent. */
  readonly accuracy: number;
  readonly images: number;
}

/** A difference of two accuracies. */
export interface Difference {
  /** Points, the first minus the second. */
  readonly points: number;
  /** Standard error, points. */
  readonly error: number;
  /** False within {@link DECIDED} standard errors: chance alone gives differences of that size. */
  readonly decided: boolean;
}

/** Standard errors that a difference has to exceed: chance does so in one of twenty comparisons. */
export const DECIDED = 2;

/** Binomial standard error of an accuracy, in points: 100·√(p(1−p)/n) with p the share of right answers. */
export function standardError({ accuracy, images }: Measured): number {
  const share = accuracy / 100;
  return 100 * Math.sqrt((share * (1 - share)) / images);
}

/**
 * Difference of two accuracies, with the standard error √(s₁² + s₂²) of two independent samples. On the same images it
 * is an upper bound as long as the two models' mistakes coincide more often than by chance.
 */
export function difference(a: Measured, b: Measured): Difference {
  const points = a.accuracy - b.accuracy;
  const error = Math.sqrt(standardError(a) ** 2 + standardError(b) ** 2);
  return { points, error, decided: Math.abs(points) > DECIDED * error };
}

/** Mean and sample standard deviation, √(Σ(x − x̄)²/(n − 1)). */
export function spread(values: readonly number[]): { readonly mean: number; readonly deviation: number } {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const squares = values.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (values.length - 1)) };
}

/**
 * Difference of the means of two lists of accuracies over the same test images, with the standard error of both
 * sources of chance: √(s₁²/n₁ + s₂²/n₂) of the seeds, and that of {@link difference} of the images.
 */
export function meanDifference(a: readonly number[], b: readonly number[], images: number): Difference {
  const [own, other] = [spread(a), spread(b)];
  const { points, error: sampling } = difference({ accuracy: own.mean, images }, { accuracy: other.mean, images });
  const error = Math.sqrt(own.deviation ** 2 / a.length + other.deviation ** 2 / b.length + sampling ** 2);
  return { points, error, decided: Math.abs(points) > DECIDED * error };
}

/** `+0.40` or `−0.40`; `0.00` without a sign. */
export function signed(points: number): string {
  const size = Math.abs(points).toFixed(2);
  return Number(size) === 0 ? size : `${points < 0 ? "−" : "+"}${size}`;
}
