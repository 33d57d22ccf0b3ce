/** @file C helpers: windows that slide over images, and the inputs of one output gathered from under them. */

/** Copies what lies under a window. */
function gather(name: string, type: string): string {
  return `
/* Inputs of the output at (row, column): [kernelH][kernelW][channels], 0 where the window leaves the image. */
static void @${name}(const ${type} *x, const @window *g, int32_t channels, int32_t row, int32_t column, ${type} *patch)
{
  const int32_t y0 = row * g->strideH - g->top;
  const int32_t x0 = column * g->strideW - g->left;
  for (int32_t i = 0; i < g->kernelH; i++) {
    const int32_t line = y0 + i * g->dilationH;
    const int inside = line >= 0 && line < g->height;
    if (inside && g->run && x0 >= 0 && x0 + g->kernelW <= g->width) {
      const int32_t count = g->kernelW * channels;
      const ${type} *from = x + (line * g->width + x0) * g->pixel;
      for (int32_t c = 0; c < count; c++) patch[c] = from[c];
      patch += count;
      continue;
    }
    for (int32_t j = 0; j < g->kernelW; j++) {
      const int32_t place = x0 + j * g->dilationW;
      if (inside && place >= 0 && place < g->width) {
        const ${type} *from = x + (line * g->width + place) * g->pixel;
        for (int32_t c = 0; c < channels; c++) patch[c] = from[c];
      } else {
        for (int32_t c = 0; c < channels; c++) patch[c] = 0;
      }
      patch += channels;
    }
  }
}`;
}

/** Sliding windows. */
export const WINDOWS = {
  window: {
    text: `
/* A window over an image [height][width][pixel]; run: a line of it is one piece of memory. */
typedef struct {
  int32_t height, width, pixel, kernelH, kernelW, strideH, strideW, top, left, dilationH, dilationW, run;
} @window;`,
  },
  gather_codes: { text: gather("gather_codes", "uint8_t"), needs: ["window"] },
  gather_floats: { text: gather("gather_floats", "float"), needs: ["window"] },
} as const;
