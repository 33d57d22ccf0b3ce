/** @file Packing of the real matrix product's operands into panels, transposing where asked. */
import { panelRows } from "./gemm-tile";

/**
 * Writes k … k+3 of a panel of 4 or 5 rows whose elements lie along k: a 4×4 transposition, and the fifth row lane by
 * lane.
 */
// @ts-ignore: decorator
@inline
function transpose4(src: usize, step: usize, dst: usize, rows: i32): void {
  const r0 = v128.load(src);
  const r1 = v128.load(src + step);
  const r2 = v128.load(src + 2 * step);
  const r3 = v128.load(src + 3 * step);
  const a = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const b = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const c = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const d = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  const stride = <usize>(rows << 2);
  v128.store(dst, v128.shuffle<f32>(a, c, 0, 1, 4, 5));
  v128.store(dst + stride, v128.shuffle<f32>(a, c, 2, 3, 6, 7));
  v128.store(dst + 2 * stride, v128.shuffle<f32>(b, d, 0, 1, 4, 5));
  v128.store(dst + 3 * stride, v128.shuffle<f32>(b, d, 2, 3, 6, 7));
  if (rows == 5) {
    const r4 = v128.load(src + 4 * step);
    v128.store_lane<f32>(dst, r4, 0, 16);
    v128.store_lane<f32>(dst, r4, 1, 36);
    v128.store_lane<f32>(dst, r4, 2, 56);
    v128.store_lane<f32>(dst, r4, 3, 76);
  }
}

/** Panel of `rows` rows, element (r, p) at src + r·rowStep + p·4. */
export function packAcross(src: usize, rowStep: usize, rows: i32, k: i32, dst: usize): void {
  let p = 0;
  if (rows == 5) {
    for (; p + 4 <= k; p += 4) {
      transpose4(src, rowStep, dst, 5);
      src += 16;
      dst += 80;
    }
  } else if (rows == 4) {
    for (; p + 4 <= k; p += 4) {
      transpose4(src, rowStep, dst, 4);
      src += 16;
      dst += 64;
    }
  }
  for (; p < k; p++) {
    let at = src;
    for (let r = 0; r < rows; r++) {
      store<f32>(dst, load<f32>(at));
      at += rowStep;
      dst += 4;
    }
    src += 4;
  }
}

/** Panel of `rows` rows, element (r, p) at src + p·kStep + r·4. */
function packAlong(src: usize, kStep: usize, rows: i32, k: i32, dst: usize): void {
  if (rows == 5) {
    for (let p = 0; p < k; p++) {
      v128.store(dst, v128.load(src));
      store<f32>(dst, load<f32>(src, 16), 16);
      src += kStep;
      dst += 20;
    }
  } else if (rows == 4) {
    for (let p = 0; p < k; p++) {
      v128.store(dst, v128.load(src));
      src += kStep;
      dst += 16;
    }
  } else {
    for (let p = 0; p < k; p++) {
      for (let r = 0; r < rows; r++) store<f32>(dst + (<usize>r << 2), load<f32>(src + (<usize>r << 2)));
      src += kStep;
      dst += <usize>rows << 2;
    }
  }
}

/** Packs `m` rows of op(A), from `src`, in panels of `panelRows`: the panel of row i begins at dst + i·k·4. */
export function packA(src: usize, lda: usize, trans: bool, m: i32, k: i32, dst: usize): void {
  for (let i = 0; i < m; ) {
    const rows = panelRows(m - i);
    if (trans) packAlong(src + (<usize>i << 2), lda, rows, k, dst);
    else packAcross(src + <usize>i * lda, lda, rows, k, dst);
    dst += <usize>(rows * k) << 2;
    i += rows;
  }
}

/** Panel of 8 columns, element (p, j) at src + j·columnStep + p·4: two 4×4 transpositions at a time. */
function packColumns8(src: usize, columnStep: usize, k: i32, dst: usize): void {
  const half = 4 * columnStep;
  let p = 0;
  for (; p + 4 <= k; p += 4) {
    transposeTo8(src, columnStep, dst);
    transposeTo8(src + half, columnStep, dst + 16);
    src += 16;
    dst += 128;
  }
  for (; p < k; p++) {
    let at = src;
    for (let j = 0; j < 8; j++) {
      store<f32>(dst, load<f32>(at));
      at += columnStep;
      dst += 4;
    }
    src += 4;
  }
}

// @ts-ignore: decorator
@inline
function transposeTo8(src: usize, step: usize, dst: usize): void {
  transpose4(src, step, dst, 8);
}

/**
 * Packs `n` columns of op(B), from `src`, in panels of 8, the last one filled up with zeros: column j's panel begins at
 * dst + (j − j mod 8)·k·4.
 */
export function packB(src: usize, ldb: usize, trans: bool, n: i32, k: i32, dst: usize): void {
  for (let j = 0; j < n; j += 8) {
    const columns = min(8, n - j);
    const from = trans ? src + <usize>j * ldb : src + (<usize>j << 2);
    if (columns == 8) {
      if (trans) {
        packColumns8(from, ldb, k, dst);
      } else {
        let at = from;
        let to = dst;
        for (let p = 0; p < k; p++) {
          v128.store(to, v128.load(at));
          v128.store(to, v128.load(at, 16), 16);
          at += ldb;
          to += 32;
        }
      }
    } else {
      const kStep: usize = trans ? 4 : ldb;
      const columnStep: usize = trans ? ldb : 4;
      let to = dst;
      for (let p = 0; p < k; p++) {
        v128.store(to, f32x4.splat(0));
        v128.store(to, f32x4.splat(0), 16);
        let at = from + <usize>p * kStep;
        for (let c = 0; c < columns; c++) {
          store<f32>(to + (<usize>c << 2), load<f32>(at));
          at += columnStep;
        }
        to += 32;
      }
    }
    dst += <usize>k << 5;
  }
}
