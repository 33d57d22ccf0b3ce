/** @file Integer thresholds on disk: a direction and `top` integers per channel, as varints of second differences. */
import { THRESHOLD_LIMIT, type Thresholds } from "../codes/thresholds.js";
import { type Place, type RefuseTensor, refusal } from "./place.js";

function zigzag(n: number): number {
  return n >= 0 ? 2 * n : -2 * n - 1;
}

function unzigzag(n: number): number {
  return n % 2 === 0 ? n / 2 : -(n + 1) / 2;
}

/**
 * Codes thresholds compactly. They are nearly an arithmetic progression (a straight line through rounding), so second
 * differences are mostly −1, 0 or 1 and take one byte each. Per channel, with t the thresholds and g_k = |t_k −
 * t_{k−1}|, k ≥ 1 (g_0 does not exist):
 *
 *     varint( 2·zigzag(t_0) + flip )   varint( g_1 )   varint( zigzag(g_2 − g_1) )   varint( zigzag(g_3 − g_2) ) …
 *
 * zigzag(n) = 2n for n ≥ 0 and −2n−1 for n < 0; varint is LEB128: seven bits a byte, least significant first, high bit
 * = more follow, in as few bytes as possible.
 *
 * @returns the bytes, owned by the caller
 */
export function encodeThresholds({ values, flip, top }: Thresholds): Uint8Array {
  const out: number[] = [];
  const put = (value: number): void => {
    let rest = value;
    while (rest >= 128) {
      out.push((rest % 128) + 128);
      rest = Math.floor(rest / 128);
    }
    out.push(rest);
  };
  for (let c = 0; c < flip.length; c++) {
    const at = c * top;
    put(2 * zigzag(values[at]) + flip[c]);
    let previous = 0;
    for (let k = 1; k < top; k++) {
      const gap = Math.abs(values[at + k] - values[at + k - 1]);
      put(k === 1 ? gap : zigzag(gap - previous));
      previous = gap;
    }
  }
  return Uint8Array.from(out);
}

/**
 * Reads back what {@link encodeThresholds} wrote.
 *
 * @param channels output channels of the layer
 * @param top thresholds per channel
 * @param place for messages
 * @throws FormatError if the stream ends early, goes on, wastes bytes, leaves ±2^30 or is not monotone
 */
export function decodeThresholds(bytes: Uint8Array, channels: number, top: number, place: Place): Thresholds {
  const refuse: RefuseTensor = refusal(place);
  // Each number takes a byte at least: refuses absurd sizes before memory is taken for them.
  if (bytes.length < channels * top) {
    refuse(
      "stream too short",
      `at least ${channels * top} bytes for ${channels} channels of ${top}`,
      `${bytes.length}`,
    );
  }
  const values = new Int32Array(channels * top);
  const flip = new Uint8Array(channels);
  let at = 0;
  const take = (): number => {
    let value = 0;
    let weight = 1;
    for (let i = 0; i < 5; i++) {
      if (at === bytes.length) refuse("stream ends inside a number", "more bytes", "the end");
      const byte = bytes[at++];
      value += (byte & 127) * weight;
      if (byte < 128) {
        if (byte === 0 && i > 0) refuse(`number ending at byte ${at - 1}`, "as few bytes as possible", "a zero byte");
        return value;
      }
      weight *= 128;
    }
    return refuse(`number ending at byte ${at - 1}`, "at most 5 bytes", "more");
  };
  for (let c = 0; c < channels; c++) {
    const first = take();
    flip[c] = first % 2;
    let value = unzigzag(Math.floor(first / 2));
    let gap = 0;
    for (let k = 0; k < top; k++) {
      if (k > 0) {
        gap = k === 1 ? take() : gap + unzigzag(take());
        if (gap < 0) refuse(`channel ${c}`, "monotone thresholds", `a step back at number ${k}`);
        value += flip[c] === 0 ? gap : -gap;
      }
      if (Math.abs(value) >= THRESHOLD_LIMIT) refuse(`channel ${c}`, "thresholds inside ±2^30", `${value}`);
      values[c * top + k] = value;
    }
  }
  if (at !== bytes.length) refuse("stream goes on after the last channel", `${at} bytes`, `${bytes.length}`);
  return { values, flip, top };
}
