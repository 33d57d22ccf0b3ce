/**
 * @file Which colour stands for which run: the same in the tables and in the charts. Used by the page's browser script
 * too.
 */

/** Colours of the page: CSS variables `--s0` … `--s7`. */
export const COLORS = 8;

/** How a run, or a line of a chart, is drawn. */
export interface Style {
  /** Name of the CSS variable of its colour. */
  readonly color: string;
  /** The second time round the colours. */
  readonly dashed: boolean;
}

/** Style of the `n`-th thing that is drawn. */
export function style(n: number): Style {
  return { color: `--s${n % COLORS}`, dashed: n % (2 * COLORS) >= COLORS };
}

/**
 * Styles of runs. Those with curves come first, so that two curves share a colour only if there are more curves than
 * colours.
 */
export function runStyles(runs: readonly { readonly metrics: readonly unknown[] }[]): Style[] {
  const drawn = runs.filter(({ metrics }) => metrics.length > 0).length;
  let [curves, others] = [0, 0];
  return runs.map(({ metrics }) => style(metrics.length > 0 ? curves++ : drawn + others++));
}
