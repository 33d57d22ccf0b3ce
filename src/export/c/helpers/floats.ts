/** @file C helpers: sums of products in float, in the order of the runtime. */
import { GEMM_BLOCK } from "../../../kernels/products/sizes.js";

/** Blocks of products are summed one after the other, then the sums of the blocks. */
function sum(name: string, type: string, weight: string): string {
  return `
static float @${name}(const float *x, const ${type} *w, int32_t first, int32_t count)
{
  float total = 0.0f;
  for (int32_t k = 0; k < count; k += ${GEMM_BLOCK}) {
    const int32_t end = count - k < ${GEMM_BLOCK} ? count : k + ${GEMM_BLOCK};
    float sum = 0.0f;
    for (int32_t i = k; i < end; i++) {
      const float product = x[i] * ${weight};
      sum += product;
    }
    total += sum;
  }
  return total;
}`;
}

/** Products in float, summed in double by blocks: one input channel a group. */
function wide(name: string, type: string, weight: string): string {
  return `
static float @${name}(const float *x, const ${type} *w, int32_t first, int32_t count, int32_t block)
{
  double total = 0.0;
  for (int32_t k = 0; k < count; k += block) {
    const int32_t end = count - k < block ? count : k + block;
    double sum = 0.0;
    for (int32_t i = k; i < end; i++) {
      const float product = x[i] * ${weight};
      sum += (double)product;
    }
    total += sum;
  }
  return (float)total;
}`;
}

/** Sums in float; the names end in what the weights are. */
export const FLOATS = {
  sum_float: { text: sum("sum_float", "float", "w[first + i]") },
  sum_code1: { text: sum("sum_code1", "uint8_t", "(float)@code1(w, first + i)"), needs: ["code1"] },
  sum_code2: { text: sum("sum_code2", "uint8_t", "(float)@code2(w, first + i)"), needs: ["code2"] },
  sum_code4: { text: sum("sum_code4", "uint8_t", "(float)@code4(w, first + i)"), needs: ["code4"] },
  sum_code8: { text: sum("sum_code8", "int8_t", "(float)@code8(w, first + i)"), needs: ["code8"] },
  wide_float: { text: wide("wide_float", "float", "w[first + i]") },
  wide_code1: { text: wide("wide_code1", "uint8_t", "(float)@code1(w, first + i)"), needs: ["code1"] },
  wide_code2: { text: wide("wide_code2", "uint8_t", "(float)@code2(w, first + i)"), needs: ["code2"] },
  wide_code4: { text: wide("wide_code4", "uint8_t", "(float)@code4(w, first + i)"), needs: ["code4"] },
  wide_code8: { text: wide("wide_code8", "int8_t", "(float)@code8(w, first + i)"), needs: ["code8"] },
} as const;
