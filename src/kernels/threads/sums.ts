/**
 * @file Rules of the long sums. The kernels add blocks of fixed size in order (assembly/reduce/reduce.ts); here the blocks are summed on any
 * thread, in f64, and added in the same order.
 */
import { type Crew, cut, inOrder, type Moving, part, type Range, type Rule, ranges } from "./chunks.js";
import type { Workspace } from "./pool.js";

/** Elements of a block of a sum over a whole array; the same number in assembly/reduce/reduce.ts. */
const BLOCK = 65_536;
/** Blocks below which a sum runs whole. */
const FEWEST_BLOCKS = 3;

/** Rows of a block of a sum over rows; as in assembly/reduce/reduce.ts. */
function blockRows(columns: number): number {
  return Math.max(64, Math.floor(BLOCK / columns));
}

/** The rule of a kernel that returns a sum over dense arrays. */
function wholeSum(name: string, extent: number, moving: readonly Moving[]): Rule {
  return (args, crew) => {
    if (args[extent] <= (FEWEST_BLOCKS - 1) * BLOCK) return null;
    const calls = ranges(args[extent], BLOCK).map((range) => part(args, extent, moving, range));
    return inOrder(crew.run(name, calls));
  };
}

/** Adds up blocks of partial sums, each of `stride` f64, in order. */
function addBlocks(crew: Crew, ptr: number, blocks: number, stride: number, columns: number): Float64Array {
  const parts = crew.f64(ptr, blocks * stride);
  const sums = new Float64Array(columns);
  for (let block = 0; block < blocks; block++) {
    for (let c = 0; c < columns; c++) sums[c] += parts[block * stride + c];
  }
  return sums;
}

/** Partial sums take whole vectors of columns. */
function padded(columns: number): number {
  return Math.ceil(columns / 4) * 4;
}

/** The blocks of a sum over rows; null if there are too few to share, or one column, which the kernels sum along the row. */
export function blocksOfRows(rows: number, columns: number): Range[] | null {
  if (columns <= 1 || rows <= (FEWEST_BLOCKS - 1) * blockRows(columns)) return null;
  return ranges(rows, blockRows(columns));
}

/** Runs a `_part` kernel on every block of rows. @returns `outputs` vectors of sums, and the sum of what the parts returned */
export function columnSums(
  crew: Crew,
  blocks: readonly Range[],
  columns: number,
  outputs: number,
  name: string,
  call: (start: number, count: number, out: readonly number[]) => number[],
  work?: Workspace,
): { sums: Float64Array[]; returned: number } {
  const stride = padded(columns);
  const bytes = 8 * stride * blocks.length;
  return crew.scratch(outputs * bytes, (ptr) => {
    const at = Array.from({ length: outputs }, (_, i) => ptr + i * bytes);
    const calls = blocks.map(({ start, count }, block) =>
      call(
        start,
        count,
        at.map((out) => out + 8 * stride * block),
      ),
    );
    const returned = inOrder(crew.run(name, calls, work));
    return { sums: at.map((out) => addBlocks(crew, out, blocks.length, stride, columns)), returned };
  });
}

function sum(args: readonly number[], crew: Crew): number | undefined | null {
  const [x, out, outer, n, inner] = args;
  if (outer > 1) return outerSum(args, crew);
  const blocks = blocksOfRows(n, inner);
  if (blocks === null) return null;
  const { sums } = columnSums(crew, blocks, inner, 1, "f32_column_sums_part", (start, count, [to]) => [
    x + 4 * start * inner,
    to,
    count,
    inner,
  ]);
  crew.f32(out, inner).set(sums[0]);
  return undefined;
}

function outerSum(args: readonly number[], crew: Crew): number | undefined | null {
  return overOuter("f32_sum")(args, crew);
}

/** The rule of a reduction over the middle axis that keeps the outer one: by outer index. */
export function overOuter(name: string): Rule {
  return (args, crew) => {
    const [, , outer, n, inner] = args;
    const found = cut(outer, 0.4 * n * inner);
    if (found === null) return null;
    const moving: Moving[] = [
      [0, 4 * n * inner],
      [1, 4 * inner],
    ];
    crew.run(
      name,
      found.map((range) => part(args, 2, moving, range)),
    );
    return undefined;
  };
}

function channelStats(args: readonly number[], crew: Crew): undefined | null {
  const [x, rows, channels, mean, variance] = args;
  const blocks = blocksOfRows(rows, channels);
  if (blocks === null) return null;
  const centre = columnSums(crew, blocks, channels, 1, "f32_column_sums_part", (start, count, [to]) => [
    x + 4 * start * channels,
    to,
    count,
    channels,
  ]);
  crew.f32(mean, channels).set(centre.sums[0].map((value) => value / rows));
  const squares = columnSums(crew, blocks, channels, 1, "f32_channel_squares_part", (start, count, [to]) => [
    x + 4 * start * channels,
    count,
    channels,
    mean,
    to,
  ]);
  crew.f32(variance, channels).set(squares.sums[0].map((value) => value / rows));
  return undefined;
}

function batchnormGradients(args: readonly number[], crew: Crew): undefined | null {
  const [x, dy, rows, channels, mean, invStd, dgamma, dbeta] = args;
  const blocks = blocksOfRows(rows, channels);
  if (blocks === null) return null;
  const { sums } = columnSums(crew, blocks, channels, 2, "f32_batchnorm_bwd_reduce_part", (start, count, to) => [
    x + 4 * start * channels,
    dy + 4 * start * channels,
    count,
    channels,
    mean,
    invStd,
    ...to,
  ]);
  crew.f32(dgamma, channels).set(sums[0]);
  crew.f32(dbeta, channels).set(sums[1]);
  return undefined;
}

/** Kernel → rule, for sums. */
export const SUM_RULES: Readonly<Record<string, Rule>> = {
  f32_sum: sum,
  f32_sum_squares: wholeSum("f32_sum_squares", 1, [[0, 4]]),
  f32_abs_sum: wholeSum("f32_abs_sum", 1, [[0, 4]]),
  f32_staircase_dalpha: wholeSum("f32_staircase_dalpha", 3, [
    [0, 4],
    [1, 1],
    [2, 4],
  ]),
  f32_channel_stats: channelStats,
  f32_batchnorm_bwd_reduce: batchnormGradients,
};
