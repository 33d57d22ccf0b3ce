/**
 * @file What the look-up product reads: weights packed by bit planes, and the tables of subset sums of activation
 * codes.
 */

/** Ors of code + offset (low byte) over an array: which bit planes hold anything. */
export function i8_bits(codesPtr: usize, len: i32, offset: i32): i32 {
  const add = i8x16.splat(<i8>offset);
  let any = i8x16.splat(0);
  let i = 0;
  for (; i + 16 <= len; i += 16) any = v128.or(any, i8x16.add(v128.load(codesPtr + <usize>i), add));
  const both = i64x2.extract_lane(any, 0) | i64x2.extract_lane(any, 1);
  let bits = <i32>both | <i32>(both >> 32);
  bits |= bits >> 16;
  bits |= bits >> 8;
  for (; i < len; i++) bits |= <i32>load<i8>(codesPtr + <usize>i) + offset;
  return bits & 255;
}

/** Largest byte; 0 if empty. */
export function u8_max(xPtr: usize, len: i32): i32 {
  let a = i8x16.splat(0);
  let b = i8x16.splat(0);
  let i = 0;
  for (; i + 32 <= len; i += 32) {
    a = i8x16.max_u(a, v128.load(xPtr + <usize>i));
    b = i8x16.max_u(b, v128.load(xPtr + <usize>i, 16));
  }
  a = i8x16.max_u(a, b);
  a = i8x16.max_u(a, v128.shuffle<i64>(a, a, 1, 0));
  a = i8x16.max_u(a, v128.shuffle<i32>(a, a, 1, 0, 3, 2));
  let most = 0;
  for (let word = i32x4.extract_lane(a, 0); word != 0; word = word >>> 8) most = max(most, word & 255);
  for (; i < len; i++) most = max(most, <i32>load<u8>(xPtr + <usize>i));
  return most;
}

/** Bytes k … k+15 of a row that ends after `left` of them; zeros past its end. */
// @ts-ignore: decorator
@inline
export function loadTail(ptr: usize, left: i32): v128 {
  const x = v128.load(ptr);
  if (left >= 16) return x;
  const lane = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return v128.and(x, i8x16.lt_u(lane, i8x16.splat(<i8>left)));
}

/** Four lanes, each the plane's bits of 4 weights in its low nibble. */
// @ts-ignore: decorator
@inline
function nibbles(row: usize, left: i32, plane: i32, offset: v128): v128 {
  if (left <= 0) return i32x4.splat(0);
  // Bits past the end of a row meet tables of zeros: they need no masking.
  let x = v128.and(i32x4.shr_u(i8x16.add(v128.load(row), offset), plane), i8x16.splat(1));
  x = v128.or(x, i32x4.shr_u(x, 7));
  x = v128.or(x, i32x4.shr_u(x, 14));
  return v128.and(x, i32x4.splat(15));
}

/** One bit plane of 16 rows: [step of 16 k][group of 4 k][row]. */
function packBlock(weights: usize, out: usize, rows: i32, K: i32, ldb: usize, plane: i32, offset: v128): void {
  for (let k = 0; k < K; k += 16) {
    for (let r = 0; r < 16; r += 4) {
      const row = weights + <usize>r * ldb + <usize>k;
      const n0 = nibbles(row, rows - r, plane, offset);
      const n1 = nibbles(row + ldb, rows - r - 1, plane, offset);
      const n2 = nibbles(row + 2 * ldb, rows - r - 2, plane, offset);
      const n3 = nibbles(row + 3 * ldb, rows - r - 3, plane, offset);
      const all = v128.or(
        v128.or(n0, i32x4.shl(n1, 8)),
        v128.or(i32x4.shl(n2, 16), i32x4.shl(n3, 24)),
      );
      const to = out + <usize>r;
      v128.store_lane<i32>(to, all, 0);
      v128.store_lane<i32>(to, all, 1, 16);
      v128.store_lane<i32>(to, all, 2, 32);
      v128.store_lane<i32>(to, all, 3, 48);
    }
    out += 64;
  }
}

export function i8_lut_pack(
  weightsPtr: usize,
  outPtr: usize,
  N: i32,
  K: i32,
  ldb: i32,
  offset: i32,
  planes: i32,
): void {
  const bytes = (<usize>(K + 15) >> 4) << 6;
  const add = i8x16.splat(<i8>offset);
  for (let n = 0; n < N; n += 16) {
    const rows = min(16, N - n);
    const weights = weightsPtr + <usize>n * <usize>ldb;
    for (let left = planes; left != 0; left &= left - 1) {
      packBlock(weights, outPtr, rows, K, <usize>ldb, ctz(left), add);
      outPtr += bytes;
    }
  }
}

/** Tables of 16 codes a₀…a₁₅ of at most 15, 64 bytes: entry b of table g is the sum of a₄g₊ᵢ over the bits i of b. */
// @ts-ignore: decorator
@inline
export function writeTables(a: v128, to: usize): void {
  const odd = i32x4.splat(0x00ffff00);
  const next = i32x4.shr_u(a, 8);
  // Bytes 0, a₀, a₁, a₀+a₁ and 0, a₂, a₃, a₂+a₃ of each lane.
  const low = v128.or(v128.and(i32x4.shl(a, 8), odd), i32x4.shl(i32x4.add(a, next), 24));
  const sum = i32x4.add(i32x4.shr_u(a, 16), i32x4.shr_u(a, 24));
  const high = v128.or(v128.and(next, odd), i32x4.shl(sum, 24));
  const h0 = v128.shuffle<i8>(high, high, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const h1 = v128.shuffle<i8>(high, high, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  v128.store(
    to,
    i8x16.add(v128.shuffle<i32>(low, low, 0, 0, 0, 0), v128.shuffle<i16>(h0, h0, 0, 8, 1, 9, 2, 10, 3, 11)),
  );
  v128.store(
    to,
    i8x16.add(v128.shuffle<i32>(low, low, 1, 1, 1, 1), v128.shuffle<i16>(h0, h0, 4, 12, 5, 13, 6, 14, 7, 15)),
    16,
  );
  v128.store(
    to,
    i8x16.add(v128.shuffle<i32>(low, low, 2, 2, 2, 2), v128.shuffle<i16>(h1, h1, 0, 8, 1, 9, 2, 10, 3, 11)),
    32,
  );
  v128.store(
    to,
    i8x16.add(v128.shuffle<i32>(low, low, 3, 3, 3, 3), v128.shuffle<i16>(h1, h1, 4, 12, 5, 13, 6, 14, 7, 15)),
    48,
  );
}

/** Sum of eight u16 lanes. */
// @ts-ignore: decorator
@inline
export function sumOf(v: v128): i32 {
  let s = i32x4.extadd_pairwise_i16x8_u(v);
  s = i32x4.add(s, v128.shuffle<i32>(s, s, 2, 3, 0, 1));
  return i32x4.extract_lane(s, 0) + i32x4.extract_lane(s, 1);
}
