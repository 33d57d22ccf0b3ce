/** @file Sessions on several threads: started by the whole library's `init`, the same outputs and codes as on one. */
import { afterAll, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { pack } from "../../src/export/index.js";
import { init, threads } from "../../src/index.js";
import { createSession } from "../../src/infer/index.js";
import { resnet20 } from "../../src/models/index.js";
import { prepare } from "../../src/quant/index.js";
import { pixels, settle } from "../export/nets.js";

afterAll(() => void init());

it("gives the outputs of one thread with 2 and 3", async () => {
  const rng = new Rng("threads");
  const net = prepare(resnet20({ rng }), { weights: 1, activations: 4 });
  settle(net, rng);
  const model = pack(net, { inputShape: [32, 32, 3] });
  net.dispose();
  const images = pixels(rng, 8, [32, 32, 3]);
  const run = (): number[] => {
    using session = createSession(model, { maxBatch: 8 });
    return [...session.run(images)];
  };
  const one = run();
  for (const count of [2, 3]) {
    await init({ threads: count });
    expect(threads()).toBe(count);
    expect(run()).toEqual(one);
  }
});
