/**
 * @file Real matrix product. Blocks of op(B) [KC, NC] and op(A) [MC, KC] are packed into panels, then multiplied tile
 * by tile (gemm-tile.ts).
 *
 * c[i,j] = Σ over blocks of KC k, in order, of the block's sum over k, in order: it depends on K alone, never on where
 * the row or column lies. Exact while all partial sums are integers below 2^24. Blocks: a panel of B (12 KB) stays in
 * the first-level cache while the panels of A (184 KB in all) stream from the second; figures are flat around these
 * sizes.
 */
import { GEMM_BLOCK as KC } from "../../src/kernels/products/sizes";
import { packA, packB } from "./gemm-pack";
import { panelRows, runEdge, runTile } from "./gemm-tile";
import { storeSome } from "../shared/lanes";

const MC: i32 = 120;
const NC: i32 = 1024;

/** Bytes of the packed block of B. */
// @ts-ignore: decorator
@inline
function panelBytesB(N: i32, K: i32): i32 {
  return (min(N, NC) + 7) / 8 * 8 * min(K, KC) * 4;
}

export function f32_gemm_work(M: i32, N: i32, K: i32): i32 {
  // B's block, A's block, one tile for the edge.
  return panelBytesB(N, K) + ((min(M, MC) * min(K, KC) * 4 + 15) & ~15) + 160;
}

/** Copies or adds a 5×8 tile's valid part to C. */
export function putEdge(tile: usize, c: usize, step: usize, rows: i32, columns: i32, add: bool): void {
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < columns; j += 4) {
      const at = c + (<usize>j << 2);
      let v = v128.load(tile + (<usize>j << 2));
      if (add) v = f32x4.add(v128.load(at), v);
      storeSome(at, v, columns - j);
    }
    tile += 32;
    c += step;
  }
}

/** C[m,n] = (C +) packed A·packed B over k. */
function multiplyBlock(a: usize, b: usize, m: i32, n: i32, k: i32, c: usize, step: usize, add: bool, edge: usize): void {
  const panelB = <usize>k << 5;
  for (let j = 0; j < n; j += 8) {
    let left = a;
    for (let i = 0; i < m; ) {
      const rows = panelRows(m - i);
      const at = c + <usize>i * step + (<usize>j << 2);
      if (n - j >= 8) {
        runTile(rows, left, b, k, at, step, add);
      } else {
        runEdge(rows, left, <usize>(rows << 2), b, 32, k, edge, n - j);
        putEdge(edge, at, step, rows, n - j, add);
      }
      left += <usize>(rows * k) << 2;
      i += rows;
    }
    b += panelB;
  }
}

/** `lda`, `ldb`, `step`: bytes between stored rows of A, B and C. K ≥ 1. */
export function multiply(
  aPtr: usize,
  bPtr: usize,
  cPtr: usize,
  M: i32,
  N: i32,
  K: i32,
  transA: i32,
  transB: i32,
  accumulate: i32,
  workPtr: usize,
  lda: usize,
  ldb: usize,
  step: usize,
): void {
  const blockA = workPtr + <usize>panelBytesB(N, K);
  const edge = workPtr + <usize>(f32_gemm_work(M, N, K) - 160);
  for (let j = 0; j < N; j += NC) {
    const n = min(NC, N - j);
    for (let p = 0; p < K; p += KC) {
      const k = min(KC, K - p);
      packB(bPtr + (transB ? <usize>j * ldb + (<usize>p << 2) : <usize>p * ldb + (<usize>j << 2)), ldb, transB != 0, n, k, workPtr);
      for (let i = 0; i < M; i += MC) {
        const m = min(MC, M - i);
        packA(aPtr + (transA ? <usize>p * lda + (<usize>i << 2) : <usize>i * lda + (<usize>p << 2)), lda, transA != 0, m, k, blockA);
        multiplyBlock(blockA, workPtr, m, n, k, cPtr + <usize>i * step + (<usize>j << 2), step, p > 0 || accumulate != 0, edge);
      }
    }
  }
}

export function f32_gemm(
  aPtr: usize,
  bPtr: usize,
  cPtr: usize,
  M: i32,
  N: i32,
  K: i32,
  transA: i32,
  transB: i32,
  accumulate: i32,
  rowStart: i32,
  rowCount: i32,
  columnStart: i32,
  columnCount: i32,
  workPtr: usize,
): void {
  const step = <usize>N << 2;
  const c = cPtr + <usize>rowStart * step + (<usize>columnStart << 2);
  if (K == 0) {
    if (accumulate == 0) for (let r = 0; r < rowCount; r++) memory.fill(c + <usize>r * step, 0, <usize>columnCount << 2);
    return;
  }
  const lda = <usize>(transA ? M : K) << 2;
  const ldb = <usize>(transB ? K : N) << 2;
  const a = transA ? aPtr + (<usize>rowStart << 2) : aPtr + <usize>rowStart * lda;
  const b = transB ? bPtr + <usize>columnStart * ldb : bPtr + (<usize>columnStart << 2);
  multiply(a, b, c, rowCount, columnCount, K, transA, transB, accumulate, workPtr, lda, ldb, step);
}
