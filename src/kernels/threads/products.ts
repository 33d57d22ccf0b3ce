/** @file Rules of the matrix products: blocks of C. An element's sum runs over K alone, so any block has the same bits. */
import { cut, type Moving, part, type Rule } from "./chunks.js";

/** Multiply-adds of a chunk, at least. */
const CHUNK = 2 ** 18;
/** Multiply-adds below which a product runs whole. */
const WORTH_SPLITTING = 2 ** 19;
const MOST_CHUNKS = 24;
const SPLITS = [1, 2, 3, 4, 6, 8, 12, 16, 24];

/** Rows and columns of the chunks of C. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
}

/**
 * The chunks that are done soonest by a few threads: A is packed once for every split of the columns, B once for every split of the rows,
 * and the last chunk is waited for. Null if the product is too small.
 */
export function grid(M: number, N: number, K: number): Grid | null {
  const work = M * N * K;
  if (work < WORTH_SPLITTING) return null;
  const most = Math.min(MOST_CHUNKS, Math.floor(work / CHUNK));
  let best: Grid | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const byRows of SPLITS) {
    const rows = Math.min(M, Math.ceil(M / byRows / 5) * 5);
    const downs = Math.ceil(M / rows);
    for (const byColumns of SPLITS) {
      if (downs * byColumns > most) break;
      const columns = Math.min(N, Math.ceil(N / byColumns / 8) * 8);
      const across = Math.ceil(N / columns);
      // Packing an element costs about five multiply-adds. Four threads wait for half of the last chunk's time.
      const all = 1 + 5 * (downs / M + across / N);
      const share = (rows * columns) / (M * N);
      const cost = all * Math.max(share, 0.25 + share / 2);
      if (cost >= least) continue;
      least = cost;
      best = { rows, columns };
    }
  }
  return best === null || (best.rows >= M && best.columns >= N) ? null : best;
}

/** Bytes from one thread's workspace to the next one's. */
function workStride(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}

const gemm: Rule = (args, crew) => {
  const [, , , M, N, K] = args;
  const found = grid(M, N, K);
  if (found === null) return null;
  const calls: number[][] = [];
  for (let row = 0; row < M; row += found.rows) {
    for (let column = 0; column < N; column += found.columns) {
      const extents = [row, Math.min(found.rows, M - row), column, Math.min(found.columns, N - column)];
      calls.push([...args, ...extents]);
    }
  }
  crew.run("f32_gemm_part", calls, { argument: 9, stride: workStride(crew.whole("f32_gemm_work")(M, N, K) as number) });
  return undefined;
};

const gemmWork: Rule = (args, crew) => crew.threads * workStride(crew.whole("f32_gemm_work")(...args) as number);

const integerGemm: Rule = (args, crew) => {
  const [, , , M, N, K, lda] = args;
  const found = cut(M, 0.06 * N * K, 4);
  if (found === null) return null;
  const moving: Moving[] = [
    [0, lda],
    [2, 4 * N],
  ];
  crew.run(
    "u8_i8_gemm",
    found.map((range) => part(args, 3, moving, range)),
  );
  return undefined;
};

/** Kernel → rule, for products. */
export const PRODUCT_RULES: Readonly<Record<string, Rule>> = {
  f32_gemm: gemm,
  f32_gemm_work: gemmWork,
  u8_i8_gemm: integerGemm,
};
