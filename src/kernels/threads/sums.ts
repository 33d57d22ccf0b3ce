/**
 * @file The long sums. Kernels add blocks of fixed size in order; here the blocks are summed on any thread, in f64, and
 * added in the same order.
 */
import { SUM_BLOCK, SUM_LEAST_ROWS } from "../reduce/sizes.js";
import type { ColumnsSplit, TotalSplit } from "../split.js";
import { Arguments } from "./arguments.js";
import { type Crew, inOrder, type Range, type Rule, ranges } from "./chunks.js";

/** Blocks below which a sum runs whole. */
const FEWEST_BLOCKS = 3;

/** The rule of a returned sum over arrays. */
export function totalRule(name: string, names: readonly string[], split: TotalSplit<string>): Rule {
  const of = new Arguments(names);
  const count = of.place(split.count);
  const move = of.moves(split.moves);
  return (args, crew) => {
    if (args[count] <= (FEWEST_BLOCKS - 1) * SUM_BLOCK) return null;
    const call = of.read(args, crew);
    const calls = ranges(args[count], SUM_BLOCK).map((block) => {
      const own = [...args];
      own[count] = block.count;
      move(own, call, block.start);
      return own;
    });
    return inOrder(crew.run(name, calls));
  };
}

/**
 * The blocks of a sum over rows; null if there are too few to share, or one column, which the kernels sum along the
 * row.
 */
function blocksOfRows(rows: number, columns: number): Range[] | null {
  const size = Math.max(SUM_LEAST_ROWS, Math.floor(SUM_BLOCK / columns));
  return columns <= 1 || rows <= (FEWEST_BLOCKS - 1) * size ? null : ranges(rows, size);
}

/** Adds up blocks of partial sums, `step` f64 apart, in order. */
function addBlocks(crew: Crew, ptr: number, blocks: number, step: number, columns: number): Float64Array {
  const parts = crew.f64(ptr, (blocks - 1) * step + columns);
  const sums = new Float64Array(columns);
  for (let block = 0; block < blocks; block++) {
    for (let c = 0; c < columns; c++) sums[c] += parts[block * step + c];
  }
  return sums;
}

/** The rule of sums of columns. */
export function columnsRule(name: string, names: readonly string[], split: ColumnsSplit<string>): Rule {
  const of = new Arguments(names);
  const [rowsAt, columnsAt, sumsAt] = [of.place(split.rows), of.place(split.columns), of.place(split.sums)];
  const outputs = split.outputs.map((output) => of.place(output));
  const one = split.one === undefined ? -1 : of.place(split.one);
  const divisor = split.divisor === undefined ? -1 : of.place(split.divisor);
  const move = of.moves(split.moves);
  const run = of.runner(name, split.work);
  return (args, crew) => {
    if ((one >= 0 && args[one] !== 1) || args[sumsAt]) return null;
    const columns = args[columnsAt];
    const blocks = blocksOfRows(args[rowsAt], columns);
    if (blocks === null) return null;
    const call = of.read(args, crew);
    const width = Math.ceil(columns / 4) * 4; // sums take whole vectors of columns
    const step = width * outputs.length;
    return crew.scratch(8 * step * blocks.length, (ptr) => {
      const calls = blocks.map(({ start, count }, block) => {
        const own = [...args];
        own[rowsAt] = count;
        own[sumsAt] = ptr + 8 * step * block;
        move(own, call, start);
        return own;
      });
      const returned = run(calls, call, crew);
      outputs.forEach((at, i) => {
        const sums = addBlocks(crew, ptr + 8 * width * i, blocks.length, step, columns);
        const by = divisor < 0 ? 1 : args[divisor];
        crew.f32(args[at], columns).set(by === 1 ? sums : sums.map((sum) => sum / by));
      });
      return split.combine && inOrder(returned);
    });
  };
}
