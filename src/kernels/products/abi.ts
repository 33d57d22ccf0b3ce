/** @file The kernels of this family: matrix products, of reals and of codes. */
import { kernel, result } from "../contract.js";
import { WORK } from "../split.js";

/** Lines of the ABI. */
export const PRODUCTS = {
  /**
   * Rows and columns in range of C[M,N] = op(A)·op(B) (+ C if accumulate). A is [M,K], or [K,M] if transA; B is [K,N],
   * or [N,K] if transB. `workPtr`: scratch of `f32_gemm_work(M,N,K)` bytes. The summation order of an element depends
   * on K alone: a row has the same bits in any batch, transposed or not. Exact while partial sums are integers up to
   * 2^24. C overlaps neither A nor B.
   */
  f32_gemm: kernel(
    [
      "aPtr",
      "bPtr",
      "cPtr",
      "M",
      "N",
      "K",
      "transA",
      "transB",
      "accumulate",
      "rowStart",
      "rowCount",
      "columnStart",
      "columnCount",
      "workPtr",
    ],
    {
      kind: "grid",
      extents: ["M", "N", "K"],
      rows: ["rowStart", "rowCount"],
      columns: ["columnStart", "columnCount"],
      work: { ptr: "workPtr", bytes: "f32_gemm_work" },
    },
  ),
  /** Bytes of scratch that `f32_gemm` needs. */
  f32_gemm_work: result(["M", "N", "K"], WORK),
  /**
   * C[M,N] (i32) = A[M,K] (u8) · B[N,K]ᵀ (i8); rows of A and B start every `lda` and `ldb` bytes (multiples of 16),
   * zero-padded up to there. Exact: |sum| must stay below 2^31, so K ≤ 2^31/(255·128) = 65,793.
   */
  u8_i8_gemm: kernel(["aPtr", "bPtr", "cPtr", "M", "N", "K", "lda", "ldb"], {
    kind: "range",
    count: "M",
    moves: { aPtr: ["lda"], cPtr: [4, "N"] },
    time: [0.06, "N", "K"],
    multiple: 4,
  }),
  /** Largest byte, returned; 0 if empty. */
  u8_max: result(["xPtr", "len"], null),
  /**
   * The low bytes of codes[i] + offset, or-ed, returned: bit p is set if bit plane p of the shifted codes holds
   * anything.
   */
  i8_bits: result(["codesPtr", "len", "offset"], null),
  /**
   * Packs rows of i8 weights, `ldb` bytes apart, for the look-up product: byte [n/16][plane][k/4][n mod 16] holds bit
   * `plane` of codes[n,k..k+3] + offset in its bits 0…3, for the planes that are set in `planes`; N and K are padded up
   * to multiples of 16 (what pads K has no meaning). 0 ≤ code + offset ≤ 255.
   */
  i8_lut_pack: kernel(["weightsPtr", "outPtr", "N", "K", "ldb", "offset", "planes"], null),
  /**
   * C[M,N] = A[M,K] (u8, at most 15) · Wᵀ, exactly, W[n,k] = Σ 2^p·bit p − offset from `i8_lut_pack` with the same
   * offset and planes ≠ 0. C is i32, or, if real ≠ 0, its 4 bytes are f32, rounded once. Rows of A start every `lda`
   * bytes (any number). |C|, with the offset's share, below 2^31; K ≥ 1. `workPtr`: `u4_lut_gemm_work()` bytes.
   */
  u4_lut_gemm: kernel(["aPtr", "weightsPtr", "cPtr", "M", "N", "K", "lda", "offset", "planes", "real", "workPtr"], {
    kind: "range",
    count: "M",
    moves: { aPtr: ["lda"], cPtr: [4, "N"] },
    time: [0.012, "N", "K"],
    multiple: 16,
    work: { ptr: "workPtr", bytes: "u4_lut_gemm_work" },
  }),
  /** Bytes of scratch that `u4_lut_gemm` needs. */
  u4_lut_gemm_work: result([], WORK),
};
