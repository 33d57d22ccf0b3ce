/**
 * @file Blocks of two extents: rows and columns of a product, whose elements sum over K alone; parts and filters of a
 * gradient.
 */
import type { GridSplit, PartsSplit } from "../split.js";
import { Arguments } from "./arguments.js";
import { GRAIN, type Grain, MOST_CHUNKS, type Rule, ranges } from "./chunks.js";

/** Multiply-adds of a chunk, at least, and those below which a product runs whole, by nanosecond of a grain. */
const CHUNK = 2 ** 18 / GRAIN.chunk;
const LEAST = 2 ** 19 / GRAIN.least;
const COUNTS = [1, 2, 3, 4, 6, 8, 12, 16, 24];

/** Rows and columns of the chunks of C. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
}

/**
 * The chunks that are done soonest by a few threads: A is packed once for every split of the columns, B once for every
 * split of the rows, and the last chunk is waited for. Null if the product is too small.
 */
export function grid(M: number, N: number, K: number, grain: Grain = GRAIN): Grid | null {
  const work = M * N * K;
  if (work < LEAST * grain.least || work === 0) return null;
  const most = Math.min(MOST_CHUNKS, Math.floor(work / (CHUNK * grain.chunk)));
  let best: Grid | null = null;
  let lowest = Number.POSITIVE_INFINITY;
  for (const byRows of COUNTS) {
    const rows = Math.min(M, Math.ceil(M / byRows / 5) * 5);
    const downs = Math.ceil(M / rows);
    for (const byColumns of COUNTS) {
      if (downs * byColumns > most) break;
      const columns = Math.min(N, Math.ceil(N / byColumns / 8) * 8);
      const across = Math.ceil(N / columns);
      // Packing an element costs about five multiply-adds. Four threads wait for half of the last chunk's time.
      const all = 1 + 5 * (downs / M + across / N);
      const share = (rows * columns) / (M * N);
      const cost = all * Math.max(share, 0.25 + share / 2);
      if (cost >= lowest) continue;
      lowest = cost;
      best = { rows, columns };
    }
  }
  return best === null || (best.rows >= M && best.columns >= N) ? null : best;
}

/** Arguments of two ranges, set to blocks of each. */
function blocks(
  args: readonly number[],
  [rowStart, rowCount]: readonly [number, number],
  [columnStart, columnCount]: readonly [number, number],
  size: Grid,
): number[][] {
  const calls: number[][] = [];
  for (const row of ranges(args[rowCount], size.rows)) {
    for (const column of ranges(args[columnCount], size.columns)) {
      const own = [...args];
      own[rowStart] = args[rowStart] + row.start;
      own[rowCount] = row.count;
      own[columnStart] = args[columnStart] + column.start;
      own[columnCount] = column.count;
      calls.push(own);
    }
  }
  return calls;
}

/** The rule of a matrix product. */
export function gridRule(name: string, names: readonly string[], split: GridSplit<string>): Rule {
  const of = new Arguments(names);
  const rows = [of.place(split.rows[0]), of.place(split.rows[1])] as const;
  const columns = [of.place(split.columns[0]), of.place(split.columns[1])] as const;
  const K = of.place(split.extents[2]);
  const run = of.runner(name, split.work);
  return (args, crew) => {
    const size = grid(args[rows[1]], args[columns[1]], args[K], crew.grain);
    if (size === null) return null;
    run(blocks(args, rows, columns, size), of.read(args, crew), crew);
    return undefined;
  };
}

/** The rule of a gradient that is summed in parts. */
export function partsRule(name: string, names: readonly string[], split: PartsSplit<string>): Rule {
  const of = new Arguments(names);
  const parts = [of.place(split.parts[0]), of.place(split.parts[1])] as const;
  const filters = [of.place(split.filters[0]), of.place(split.filters[1])] as const;
  const time = of.size(split.time);
  const channels = of.size(["channels"]);
  const run = of.runner(name, split.work);
  return (args, crew) => {
    const call = of.read(args, crew);
    const [partCount, filterCount] = [args[parts[1]], args[filters[1]]];
    const wide = partCount < 4 && channels(call) * filterCount >= split.wide;
    const columns = wide ? Math.ceil(filterCount / 4 / 20) * 20 : filterCount;
    if (time(call) < crew.grain.least || (partCount === 1 && columns >= filterCount)) return null;
    run(blocks(args, parts, filters, { rows: 1, columns }), call, crew);
    return undefined;
  };
}
