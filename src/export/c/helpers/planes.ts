/**
 * @file C helpers: sums of codes times 1-bit weights by counting bits.
 *
 * With x = Σ_b 2^b·x_b in bit planes x_b and weights ±1 as bits w, Σ x·w = 2·Σ_b 2^b·popcount(x_b & w) − Σ x. Without
 * an instruction that counts bits, four planes are counted together: fields of 2, 4, 8 and 16 bits are added at once.
 */

/** How many planes the helpers take; codes of other widths have planes of zeros. */
export const PLANE_COUNTS = [1, 2, 4, 8] as const;

/** Four codes of one plane as four bits: they meet in the product's byte 3, and nothing carries. */
function nibble(plane: number): string {
  return `((((v >> ${plane}) & 0x01010101u) * 0x01020408u) >> 24) & 15u`;
}

function planes(count: number): string {
  const all = Array.from({ length: count }, (_, b) => b);
  return `
/* Bit planes of codes: ${count} word(s) for each 32 codes. Returns the sum of the codes. */
static int32_t @planes${count}(const uint8_t *x, int32_t count, uint32_t *planes)
{
  int32_t total = 0;
  while (count > 0) {
    const int32_t n = count < 32 ? count : 32;
    uint32_t ${all.map((b) => `p${b} = 0`).join(", ")};
    int32_t i = 0;
    for (; i + 4 <= n; i += 4) {
      const uint32_t v = x[i] | ((uint32_t)x[i + 1] << 8) | ((uint32_t)x[i + 2] << 16) | ((uint32_t)x[i + 3] << 24);
      total += x[i] + x[i + 1] + x[i + 2] + x[i + 3];
${all.map((b) => `      p${b} |= (${nibble(b)}) << i;`).join("\n")}
    }
    for (; i < n; i++) {
      const uint32_t v = x[i];
      total += x[i];
${all.map((b) => `      p${b} |= ((v >> ${b}) & 1u) << i;`).join("\n")}
    }
${all.map((b) => `    planes[${b}] = p${b};`).join("\n")}
    planes += ${count};
    x += n;
    count -= n;
  }
  return total;
}`;
}

/** @param most words whose sums two lanes of 16 bits hold */
function counted(count: number, most: number, lanes: string): string {
  const all = Array.from({ length: count }, (_, b) => b);
  return `
/* Sum over set bits of w of the codes in ${count} bit plane(s). */
static int32_t @bits${count}(const uint32_t *x, const uint32_t *w, int32_t words)
{
#if @@BUILTIN_POPCOUNT
  int32_t sum = 0;
  for (int32_t i = 0; i < words; i++) {
    sum += ${all.map((b) => `(__builtin_popcount(x[${b}] & w[i])${b > 0 ? ` << ${b}` : ""})`).join(" + ")};
    x += ${count};
  }
  return sum;
#else
  uint32_t sum = 0;
  while (words > 0) {
    const int32_t part = words < ${most} ? words : ${most};
    uint32_t lanes = 0;
    for (int32_t i = 0; i < part; i++) {
      lanes += ${lanes};
      x += ${count};
    }
    sum += (lanes & 0xffffu) + (lanes >> 16);
    w += part;
    words -= part;
  }
  return (int32_t)sum;
#endif
}`;
}

/** Counting of bits. */
export const PLANES = {
  dot_words: {
    text: `
#if !@@POPCOUNT
/* Weights +-1 as bits, 32 a word. */
static int32_t @dot_words(const uint8_t *x, const uint32_t *w, int32_t count)
{
  int32_t sum = 0;
  for (int32_t i = 0; i < count; i++) {
    const int32_t code = x[i];
    sum += ((w[i >> 5] >> (i & 31)) & 1u) != 0 ? code : -code;
  }
  return sum;
}
#endif`,
  },
  weigh1: {
    text: `
#if @@POPCOUNT && !@@BUILTIN_POPCOUNT
/* Bits of v, in two lanes of 16 bits. */
static inline uint32_t @weigh1(uint32_t v)
{
  v -= (v >> 1) & 0x55555555u;
  v = (v & 0x33333333u) + ((v >> 2) & 0x33333333u);
  v = (v + (v >> 4)) & 0x0f0f0f0fu;
  return (v & 0x00ff00ffu) + ((v >> 8) & 0x00ff00ffu);
}
#endif`,
  },
  weigh4: {
    text: `
#if @@POPCOUNT && !@@BUILTIN_POPCOUNT
/* Bits of v in fields of four bits. */
static inline uint32_t @fields(uint32_t v)
{
  v -= (v >> 1) & 0x55555555u;
  return (v & 0x33333333u) + ((v >> 2) & 0x33333333u);
}

/* Bits of x[0] & w, x[1] & w, x[2] & w and x[3] & w, which count 1, 2, 4 and 8, in two lanes of 16 bits. */
static inline uint32_t @weigh4(const uint32_t *x, uint32_t w)
{
  const uint32_t low = @fields(x[0] & w) + (@fields(x[1] & w) << 1);
  const uint32_t high = @fields(x[2] & w) + (@fields(x[3] & w) << 1);
  const uint32_t v = (low & 0x0f0f0f0fu) + ((low >> 4) & 0x0f0f0f0fu)
    + (((high & 0x0f0f0f0fu) + ((high >> 4) & 0x0f0f0f0fu)) << 2);
  return (v & 0x00ff00ffu) + ((v >> 8) & 0x00ff00ffu);
}
#endif`,
  },
  planes1: { text: `#if @@POPCOUNT${planes(1)}\n#endif` },
  planes2: { text: `#if @@POPCOUNT${planes(2)}\n#endif` },
  planes4: { text: `#if @@POPCOUNT${planes(4)}\n#endif` },
  planes8: { text: `#if @@POPCOUNT${planes(8)}\n#endif` },
  bits1: { text: `#if @@POPCOUNT${counted(1, 4096, "@weigh1(x[0] & w[i])")}\n#endif`, needs: ["weigh1"] },
  bits2: {
    text: `#if @@POPCOUNT${counted(2, 1024, "@weigh1(x[0] & w[i]) + (@weigh1(x[1] & w[i]) << 1)")}\n#endif`,
    needs: ["weigh1"],
  },
  bits4: { text: `#if @@POPCOUNT${counted(4, 256, "@weigh4(x, w[i])")}\n#endif`, needs: ["weigh4"] },
  bits8: {
    text: `#if @@POPCOUNT${counted(8, 16, "@weigh4(x, w[i]) + (@weigh4(x + 4, w[i]) << 4)")}\n#endif`,
    needs: ["weigh4"],
  },
} as const;
