/** @file Which colour stands for the n-th thing. */

const COLORS = 6;

/** Colour and stroke of a line. */
export interface Style {
  readonly color: string;
  readonly dashed: boolean;
}

/** Six colours, then the same again in dashes. */
export function style(n: number): Style {
  return { color: `--s${n % COLORS}`, dashed: n % (2 * COLORS) >= COLORS };
}
