/**
 * @file Random networks with residual blocks, joined branches and odd channel counts: the packed runtime gives
 * training's codes.
 */
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { pack, verify } from "../../src/export/index.js";
import { memory } from "../../src/kernels/engine.js";
import { buildTopology, topologies } from "./arbitrary-topologies.js";
import { pixels } from "./nets.js";

afterEach(() => {
  expect(memory().arrays).toBe(0);
});

describe("random topologies", () => {
  it("give the codes of the training graph, in every layer", async () => {
    await fc.assert(
      fc.asyncProperty(topologies, async (spec) => {
        const rng = new Rng(spec.seed);
        using net = buildTopology(spec, rng, true);
        const shape = [spec.size, spec.size, spec.colors];
        const found = await verify(
          net,
          pack(net, { inputShape: shape }),
          { images: pixels(rng, 3, shape) },
          { batch: 2 },
        );
        for (const layer of found.layers) expect(layer.firstDifference, layer.name).toBeNull();
        expect(found.layers.filter(({ kind }) => kind === "codes").length).toBeGreaterThan(spec.stages.length);
      }),
      { numRuns: 60 },
    );
  });
});
