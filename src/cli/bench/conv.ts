/** @file Convolutions: forward by direct sums, forward as training runs it, and the two halves of backward. */
import { scope } from "../../memory/index.js";
import { convBackwardInput, convBackwardWeight, convForward, packWeights } from "../../ndarray/convolve/conv.js";
import { convolution } from "../../ops/conv.js";
import { type BenchOptions, filled, measure } from "./harness.js";
import { CONV_SHAPES, convLabel, convWork } from "./shapes.js";

const PASSES = ["fwd", "fwd-fast", "bwd-input", "bwd-weight"] as const;

/** Rows such as `conv3x3 fwd 16->16@32 b128`; flops are those of the plain definition. */
export function benchConv(options: BenchOptions): void {
  for (const spec of CONV_SHAPES) {
    const passes = PASSES.filter((pass) => options.wants(convWork(spec, pass)));
    if (passes.length === 0) continue;
    const { batch, size, inChannels, outChannels, kernel, padding, stride } = spec;
    scope(() => {
      const x = filled([batch, size, size, inChannels]);
      const weight = filled([outChannels, inChannels, kernel, kernel]);
      const conv = convolution("bench", x.shape, weight.shape, { padding, stride });
      const packed = packWeights(weight);
      const dy = convForward(x, packed, conv);
      const flops = 2 * dy.size * inChannels * kernel * kernel;
      const run = {
        fwd: () => convForward(x, packed, conv),
        "fwd-fast": () => convForward(x, packed, conv, true),
        "bwd-input": () => convBackwardInput(dy, packed, conv),
        "bwd-weight": () => convBackwardWeight(x, dy, conv),
      };
      for (const pass of passes) {
        const row = { work: convWork(spec, pass), shape: convLabel(spec) };
        measure(options, row, { flops, images: batch }, () => scope(() => void run[pass]()));
      }
    });
  }
}
