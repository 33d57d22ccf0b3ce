/** @file Convolutions: forward, and the two halves of backward. */
import { scope } from "../src/memory/index.js";
import { convBackwardInput, convBackwardWeight, convForward, packWeights } from "../src/ndarray/conv.js";
import { convolution } from "../src/ops/conv.js";
import { type BenchOptions, filled, measure } from "./harness.js";
import { CONV_SHAPES } from "./shapes.js";

/** Rows such as `conv3x3 fwd 16->16@32 b128`; flops are those of the plain definition. */
export function benchConv(options: BenchOptions): void {
  for (const { name, batch, size, inChannels, outChannels, kernel, padding, stride } of CONV_SHAPES) {
    scope(() => {
      const x = filled([batch, size, size, inChannels]);
      const weight = filled([outChannels, inChannels, kernel, kernel]);
      const conv = convolution("bench", x.shape, weight.shape, { padding, stride });
      const packed = packWeights(weight);
      const dy = convForward(x, packed, conv);
      const flops = 2 * dy.size * inChannels * kernel * kernel;
      const shape = `${inChannels}->${outChannels}@${size} b${batch}`;
      const row = (pass: string, fn: () => unknown): void =>
        measure(options, { work: `${name} ${pass} ${shape}`, shape }, { flops, images: batch }, () => {
          scope(() => void fn());
        });
      row("fwd", () => convForward(x, packed, conv));
      row("bwd-input", () => convBackwardInput(dy, packed, conv));
      row("bwd-weight", () => convBackwardWeight(x, dy, conv));
    });
  }
}
