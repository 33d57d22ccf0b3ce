/** @file Halves and bfloat16s as float32: every one of them is a float32 exactly. */

/**
 * IEEE 754 binary16 as float32, exactly: subnormals, signed zeros, infinities; a NaN keeps its payload in the upper
 * bits.
 *
 * @param buffer little-endian, an even number of bytes
 */
export function widenHalves(buffer: ArrayBuffer): Float32Array {
  return widened(buffer, (half) => {
    const sign = (half & 0x8000) << 16;
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    if (exponent === 31) return sign | 0x7f800000 | (fraction << 13);
    if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
    if (fraction === 0) return sign;
    // fraction · 2^-24, with its highest bit at the place of the hidden one.
    const shift = Math.clz32(fraction) - 21;
    return sign | ((113 - shift) << 23) | (((fraction << shift) & 1023) << 13);
  });
}

/** bfloat16 as float32: the upper half of its bits. @param buffer little-endian, an even number of bytes */
export function widenBrains(buffer: ArrayBuffer): Float32Array {
  return widened(buffer, (brain) => brain << 16);
}

/** By bits, since a number in between would make signalling NaNs quiet. */
function widened(buffer: ArrayBuffer, bits: (half: number) => number): Float32Array {
  const halves = new Uint16Array(buffer);
  const out = new Uint32Array(halves.length);
  for (let i = 0; i < out.length; i++) out[i] = bits(halves[i]);
  return new Float32Array(out.buffer);
}
