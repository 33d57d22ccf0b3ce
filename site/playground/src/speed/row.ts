/** @file A measurement, and all of them as text. */

/** One measurement. */
export interface Row {
  readonly work: string;
  readonly shape: string;
  readonly threads: number;
  /** Median and least milliseconds, of how many samples. */
  readonly ms: number;
  readonly msMin: number;
  readonly samples: number;
  readonly gflops?: number;
  readonly imagesPerSecond?: number;
}

/** What the rows ran on. */
export interface Machine {
  readonly version: string;
  readonly browser: string;
  readonly processors: number;
  readonly isolated: boolean;
  readonly variant: string;
}

/** Rows in columns, for a message or an issue. */
export function asText({ version, browser, processors, isolated, variant }: Machine, rows: readonly Row[]): string {
  const width = Math.max(...rows.map(({ work }) => work.length));
  const lines = rows.map(({ work, threads, ms, gflops, imagesPerSecond }) => {
    const rate =
      gflops === undefined ? `${(imagesPerSecond ?? 0).toFixed(0)} images/s` : `${gflops.toFixed(1)} GFLOP/s`;
    return `${work.padEnd(width)}  ${threads} thread${threads === 1 ? " " : "s"}  ${ms.toFixed(3).padStart(9)} ms  ${rate}`;
  });
  const shared = isolated ? "threads allowed" : "no threads: not cross-origin isolated";
  return [`coarsegrad ${version}, ${variant}, ${processors} processors, ${shared}`, browser, ...lines].join("\n");
}
