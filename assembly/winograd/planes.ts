/**
 * @file Stacks of small matrix products, one for each point of a Winograd transform. Plane p of an operand begins
 * p·stride elements after the first.
 */
import { putEdge } from "../products/gemm";
import { packA, packB } from "../products/gemm-pack";
import { panelRows, runStrided, runTile } from "../products/gemm-tile";

export function f32_planes_pack(
  srcPtr: usize,
  outPtr: usize,
  planes: i32,
  srcStride: i32,
  K: i32,
  N: i32,
): void {
  const panels = <usize>((N + 7) / 8 * 8 * K) << 2;
  for (let plane = 0; plane < planes; plane++) {
    packB(srcPtr, <usize>N << 2, false, N, K, outPtr);
    srcPtr += <usize>srcStride << 2;
    outPtr += panels;
  }
}

/** Rows of A that are packed at a time. */
const ROWS: i32 = 60;

/** Bytes of scratch that multiplyPlanes needs; outerPlanes needs no more. */
// @ts-ignore: decorator
@inline
export function planesWork(K: i32): i32 {
  return ROWS * K * 4 + 160;
}

/** c[M,N] = a[M,K] · packed, each sum in the order of k ≥ 1. */
export function multiplyPlanes(
  aPtr: usize,
  packedPtr: usize,
  cPtr: usize,
  planes: i32,
  aStride: i32,
  cStride: i32,
  M: i32,
  N: i32,
  K: i32,
  workPtr: usize,
): void {
  const step = <usize>N << 2;
  const panel = <usize>K << 5;
  const edge = workPtr + <usize>(ROWS * K << 2);
  for (let plane = 0; plane < planes; plane++) {
    for (let start = 0; start < M; start += ROWS) {
      const m = min(ROWS, M - start);
      packA(aPtr + (<usize>(start * K) << 2), <usize>K << 2, false, m, K, workPtr);
      let b = packedPtr;
      for (let j = 0; j < N; j += 8) {
        let left = workPtr;
        for (let i = 0; i < m; ) {
          const rows = panelRows(m - i);
          const c = cPtr + <usize>(start + i) * step + (<usize>j << 2);
          if (N - j >= 8) {
            runTile(rows, left, b, K, c, step, false);
          } else {
            runTile(rows, left, b, K, edge, 32, false);
            putEdge(edge, c, step, rows, N - j, false);
          }
          left += <usize>(rows * K) << 2;
          i += rows;
        }
        b += panel;
      }
    }
    aPtr += <usize>aStride << 2;
    cPtr += <usize>cStride << 2;
    packedPtr += <usize>((N + 7) / 8) * panel;
  }
}

/** c[M,N] += a[K,M]ᵀ · b[K,N]; the sum over k ≥ 1 is formed in order, then added. N is a multiple of 4. */
export function outerPlanes(
  aPtr: usize,
  bPtr: usize,
  cPtr: usize,
  planes: i32,
  aStride: i32,
  bStride: i32,
  cStride: i32,
  M: i32,
  N: i32,
  K: i32,
  workPtr: usize,
): void {
  const aStep = <usize>M << 2;
  const step = <usize>N << 2;
  for (let plane = 0; plane < planes; plane++) {
    for (let j = 0; j < N; j += 8) {
      const b = bPtr + (<usize>j << 2);
      for (let i = 0; i < M; ) {
        const rows = panelRows(M - i);
        const a = aPtr + (<usize>i << 2);
        const c = cPtr + <usize>i * step + (<usize>j << 2);
        if (N - j >= 8) {
          runStrided(rows, a, aStep, b, step, K, c, step, true);
        } else {
          runStrided(rows, a, aStep, b, step, K, workPtr, 32, false);
          putEdge(workPtr, c, step, rows, N - j, true);
        }
        i += rows;
      }
    }
    aPtr += <usize>aStride << 2;
    bPtr += <usize>bStride << 2;
    cPtr += <usize>cStride << 2;
  }
}
