/** @file C helpers: weight codes read from their bits, and their products with codes. */

function dot(name: string, weight: string, read: string): string {
  return `
static int32_t @${name}(const uint8_t *x, const ${weight} *w, int32_t first, int32_t count)
{
  int32_t sum = 0;
  for (int32_t i = 0; i < count; i++) sum += (int32_t)x[i] * ${read}(w, first + i);
  return sum;
}`;
}

/** Weight codes of 1, 2, 4 and 8 bits: code i of a stream, and sums of products; see docs/format.md. */
export const DOTS = {
  code1: {
    text: `
/* Weight codes: bit 0 is -1, bit 1 is +1; wider ones are in two's complement. */
static inline int32_t @code1(const uint8_t *w, int32_t i)
{
  return ((w[i >> 3] >> (i & 7)) & 1) * 2 - 1;
}`,
  },
  code2: {
    text: `
static inline int32_t @code2(const uint8_t *w, int32_t i)
{
  return (((w[i >> 2] >> (2 * (i & 3))) & 3) ^ 2) - 2;
}`,
  },
  code4: {
    text: `
static inline int32_t @code4(const uint8_t *w, int32_t i)
{
  return (((w[i >> 1] >> (4 * (i & 1))) & 15) ^ 8) - 8;
}`,
  },
  code8: {
    text: `
static inline int32_t @code8(const int8_t *w, int32_t i)
{
  return w[i];
}`,
  },
  dot1: { text: dot("dot1", "uint8_t", "@code1"), needs: ["code1"] },
  dot2: { text: dot("dot2", "uint8_t", "@code2"), needs: ["code2"] },
  dot4: { text: dot("dot4", "uint8_t", "@code4"), needs: ["code4"] },
  dot8: { text: dot("dot8", "int8_t", "@code8"), needs: ["code8"] },
} as const;
