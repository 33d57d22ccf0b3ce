/**
 * @file Integer thresholds on disk: a direction and `top` integers per channel, as varints of second differences or,
 * from version 3 of the format on, as a line with its exceptions.
 */
import { THRESHOLD_LIMIT, type Thresholds } from "../codes/thresholds.js";
import { type Place, type RefuseTensor, refusal } from "./place.js";
import { type ThresholdLine, thresholdLine } from "./threshold-lines.js";

/** Least numbers of a channel that is a line. */
const LEAST_LINE = 5;

function zigzag(n: number): number {
  return n >= 0 ? 2 * n : -2 * n - 1;
}

/** Appends numbers as varints. */
function put(out: number[], ...values: readonly number[]): void {
  for (let rest of values) {
    while (rest >= 128) {
      out.push((rest % 128) + 128);
      rest = Math.floor(rest / 128);
    }
    out.push(rest);
  }
}

/** What follows the first threshold of a channel that is listed. */
function listed(r: readonly number[]): number[] {
  const out: number[] = [];
  let previous = 0;
  for (let k = 1; k < r.length; k++) {
    const gap = r[k] - r[k - 1];
    put(out, k === 1 ? gap : zigzag(gap - previous));
    previous = gap;
  }
  return out;
}

/** What follows the first threshold of a channel that is a line. */
function lined({ shift, slope, offset, most, corrections }: ThresholdLine): number[] {
  const out: number[] = [];
  put(out, 2 * shift + (most === null ? 0 : 1), slope, zigzag(offset));
  if (most !== null) put(out, most);
  let before = 0;
  for (const at of corrections) {
    put(out, 2 * (Math.abs(at) - before) + (at < 0 ? 1 : 0));
    before = Math.abs(at);
  }
  put(out, 0);
  return out;
}

/**
 * Codes thresholds compactly. They are nearly an arithmetic progression (a straight line through rounding), so second
 * differences are mostly −1, 0 or 1 and take one byte each. Per channel, with t the thresholds and g_k = |t_k −
 * t_{k−1}|, k ≥ 1 (g_0 does not exist):
 *
 *     varint( 2·zigzag(t_0) + flip )   varint( g_1 )   varint( zigzag(g_2 − g_1) )   varint( zigzag(g_3 − g_2) ) …
 *
 * zigzag(n) = 2n for n ≥ 0 and −2n−1 for n < 0; varint is LEB128: seven bits a byte, least significant first, high bit
 * = more follow, in as few bytes as possible. With `lines` each channel is that or the line of {@link ThresholdLine},
 * whichever is shorter, behind varint( 4·zigzag(t_0) + 2·(1 for a line) + flip ):
 *
 *     varint( 2·shift + bounded )  varint( slope )  varint( zigzag(offset) )  varint( most ), if bounded
 *     varint( 2·(places since the last correction) + below ) …  varint( 0 )
 *
 * @returns the bytes, owned by the caller
 */
export function encodeThresholds({ values, flip, top }: Thresholds, lines = false): Uint8Array {
  const out: number[] = [];
  for (let c = 0; c < flip.length; c++) {
    const first = values[c * top];
    const r = Array.from(values.subarray(c * top, (c + 1) * top), (t) => Math.abs(t - first));
    let rest = listed(r);
    const line = lines ? thresholdLine(r, (each) => lined(each).length) : null;
    const shorter = line === null ? rest : lined(line);
    const kind = shorter.length < rest.length ? 1 : 0;
    if (kind === 1) rest = shorter;
    put(out, lines ? 4 * zigzag(first) + 2 * kind + flip[c] : 2 * zigzag(first) + flip[c]);
    for (const byte of rest) out.push(byte);
  }
  return Uint8Array.from(out);
}

/**
 * Reads back what {@link encodeThresholds} wrote.
 *
 * @param channels output channels of the layer
 * @param top thresholds per channel
 * @param place for messages
 * @param lines whether channels may be lines
 * @throws FormatError if the stream ends early, goes on, wastes bytes, leaves ±2^30 or is not monotone
 */
export function decodeThresholds(
  bytes: Uint8Array,
  channels: number,
  top: number,
  place: Place,
  lines = false,
): Thresholds {
  const refuse: RefuseTensor = refusal(place);
  // Each number takes a byte at least: refuses absurd sizes before memory is taken for them.
  const least = channels * (lines ? Math.min(top, LEAST_LINE) : top);
  if (bytes.length < least) {
    refuse("stream too short", `at least ${least} bytes for ${channels} channels of ${top}`, `${bytes.length}`);
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
      if (byte < 128 && (byte > 0 || i === 0)) return value;
      if (byte === 0) break;
      weight *= 128;
    }
    return refuse(`number ending at byte ${at - 1}`, "at most 5 bytes, as few bytes as possible", "more");
  };
  const signed = (code: number): number => (code % 2 === 0 ? code / 2 : -(code + 1) / 2);
  for (let c = 0; c < channels; c++) {
    const head = take();
    flip[c] = head % 2;
    const rest = Math.floor(head / 2);
    const first = signed(lines ? Math.floor(rest / 2) : rest);
    const lined = lines && rest % 2 === 1;
    const kind = lined ? take() : 0;
    const [slope, offset] = lined ? [take(), signed(take())] : [0, 0];
    const most = kind % 2 === 1 ? take() : Infinity;
    let next = lined ? take() : 0;
    let place = Math.floor(next / 2) - 1;
    let [above, gap] = [0, 0];
    for (let k = 0; k < top; k++) {
      const before = above;
      if (lined) {
        above = Math.min(Math.max(Math.floor((offset + k * slope) / 2 ** Math.floor(kind / 2)), 0), most);
        if (k === place) {
          above += 1 - 2 * (next % 2);
          next = take();
          place += Math.floor(next / 2);
        }
      } else if (k > 0) above += gap = k === 1 ? take() : gap + signed(take());
      const value = first + (flip[c] === 0 ? above : -above);
      if (above < before || Math.abs(value) >= THRESHOLD_LIMIT) {
        refuse(`channel ${c}`, "monotone thresholds inside ±2^30", `${value} as number ${k}`);
      }
      values[c * top + k] = value;
    }
    if (next > 0) refuse(`channel ${c}`, `corrections of ${top} thresholds`, "others");
  }
  if (at !== bytes.length) refuse("stream goes on after the last channel", `${at} bytes`, `${bytes.length}`);
  return { values, flip, top };
}
