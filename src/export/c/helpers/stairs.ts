/** @file C helpers: codes of sums, by a line or by thresholds, and of real numbers. */

function count(type: string): string {
  return `
/* How many of the top thresholds, in rising order, acc reaches. */
static uint8_t @count_${type}(int32_t acc, const ${type} *t, int32_t top)
{
  int32_t least = 0;
  int32_t most = top;
  while (least < most) {
    const int32_t middle = (least + most) >> 1;
    if (acc >= t[middle]) least = middle + 1;
    else most = middle;
  }
  return (uint8_t)least;
}`;
}

/** Steps. */
export const STAIRS = {
  line: {
    text: `
/* Code of a sum that was scaled by 2^shift: its whole part, between 0 and top. */
static inline uint8_t @line(int32_t v, int32_t shift, int32_t top)
{
  if (v < 0) return 0;
  v >>= shift;
  return (uint8_t)(v < top ? v : top);
}`,
  },
  count_int8_t: { text: count("int8_t") },
  count_int16_t: { text: count("int16_t") },
  count_int32_t: { text: count("int32_t") },
  ceil_code: {
    text: `
/* min(ceil(x / step), top), 0 for x <= 0 and what is no number. */
static uint8_t @ceil_code(float x, float step, int32_t top)
{
  if (!(x > 0.0f)) return 0;
  const float quotient = x / step;
  if (quotient >= (float)top) return (uint8_t)top;
  const int32_t below = (int32_t)quotient;
  return (uint8_t)(below + ((float)below < quotient ? 1 : 0));
}`,
  },
  nearest_code: {
    text: `
/* min(round(x / step), top), half to even, 0 for x <= 0 and what is no number. */
static uint8_t @nearest_code(float x, float step, int32_t top)
{
  if (!(x > 0.0f)) return 0;
  const float quotient = x / step;
  if (quotient >= (float)top) return (uint8_t)top;
  const int32_t below = (int32_t)quotient;
  const float rest = quotient - (float)below;
  return (uint8_t)(below + (rest > 0.5f || (rest == 0.5f && (below & 1) != 0) ? 1 : 0));
}`,
  },
} as const;
