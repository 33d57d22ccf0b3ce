/** @file What the depthwise convolution of codes needs: its weights, taps in pairs. */

/** Channels that are summed at a time. */
const BLOCK = 8;

/** The layout i16 [channels/8][taps/2][8][2], channels and taps padded with zeros up to whole blocks. */
export function pairedTaps(channels: number, taps: number) {
  const pairs = (taps + 1) >> 1;
  return {
    /** How many numbers. */
    length: Math.ceil(channels / BLOCK) * pairs * 2 * BLOCK,
    /** Place of one of them. */
    at: (channel: number, tap: number): number =>
      ((Math.floor(channel / BLOCK) * pairs + (tap >> 1)) * BLOCK + (channel % BLOCK)) * 2 + (tap & 1),
  };
}

/** Weight codes [channels, taps] for `u8_depthwise`, as bytes. */
export function pairTaps(codes: Int8Array, channels: number): Uint8Array {
  const taps = codes.length / channels;
  const { length, at } = pairedTaps(channels, taps);
  const out = new Int16Array(length);
  codes.forEach((code, i) => {
    out[at(Math.floor(i / taps), i % taps)] = code;
  });
  return new Uint8Array(out.buffer);
}
