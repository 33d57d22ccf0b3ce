/** @file Random small networks for the tests of packing and of ONNX files. */
import fc from "fast-check";
import type { LayerSpec, NetSpec } from "./nets.js";

const layer: fc.Arbitrary<LayerSpec> = fc.record({
  weightBits: fc.constantFrom(1, 2, 3, 4, 8),
  activationBits: fc.integer({ min: 1, max: 8 }),
  granularity: fc.constantFrom("layer" as const, "channel" as const),
  rounding: fc.constantFrom("ceil" as const, "nearest" as const),
  channels: fc.integer({ min: 1, max: 9 }),
  kernel: fc.integer({ min: 1, max: 4 }),
  stride: fc.integer({ min: 1, max: 3 }),
  padding: fc.integer({ min: 0, max: 2 }),
  dilation: fc.integer({ min: 1, max: 2 }),
  groups: fc.boolean(),
  bias: fc.boolean(),
  norm: fc.boolean(),
  pool: fc.boolean(),
});
/** Convolutions with all that a layer can have, then linear layers. */
export const netSpec: fc.Arbitrary<NetSpec> = fc.record({
  shape: fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 4 })),
  convs: fc.array(layer, { maxLength: 3 }),
  linears: fc.array(layer, { maxLength: 2 }),
  seed: fc.nat(1000),
});
