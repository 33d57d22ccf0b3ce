/** @file Codes of exact sums by thresholds: how many of a channel's are reached. */

/** Thresholds of one channel that four accumulators reach. */
// @ts-ignore: decorator
@inline
function countReached(acc: v128, thresholds: usize, top: i32, flip: bool): v128 {
  let reached = i32x4.splat(0);
  for (let t = 0; t < top; t++) {
    const threshold = v128.load32_splat(thresholds + (<usize>t << 2));
    // A true lane is −1.
    reached = i32x4.sub(reached, flip ? i32x4.le_s(acc, threshold) : i32x4.ge_s(acc, threshold));
  }
  return reached;
}

export function i32_threshold(
  accPtr: usize,
  codesPtr: usize,
  rows: i32,
  channels: i32,
  thresholdsPtr: usize,
  flipPtr: usize,
  top: i32,
): void {
  const step = <usize>channels << 2;
  for (let r = 0; r < rows; r += 4) {
    const count = min(4, rows - r);
    // Rows past the end repeat the last one and are not stored.
    const row1 = count > 1 ? step : 0;
    const row2 = count > 2 ? 2 * step : row1;
    const row3 = count > 3 ? 3 * step : row2;
    for (let c = 0; c < channels; c++) {
      const at = accPtr + (<usize>c << 2);
      const acc = i32x4(load<i32>(at), load<i32>(at + row1), load<i32>(at + row2), load<i32>(at + row3));
      const thresholds = thresholdsPtr + ((<usize>c * <usize>top) << 2);
      const reached = load<u8>(flipPtr + <usize>c)
        ? countReached(acc, thresholds, top, true)
        : countReached(acc, thresholds, top, false);
      const to = codesPtr + <usize>c;
      store<u8>(to, <u8>i32x4.extract_lane(reached, 0));
      if (count > 1) store<u8>(to + <usize>channels, <u8>i32x4.extract_lane(reached, 1));
      if (count > 2) store<u8>(to + 2 * <usize>channels, <u8>i32x4.extract_lane(reached, 2));
      if (count > 3) store<u8>(to + 3 * <usize>channels, <u8>i32x4.extract_lane(reached, 3));
    }
    accPtr += 4 * step;
    codesPtr += 4 * <usize>channels;
  }
}
