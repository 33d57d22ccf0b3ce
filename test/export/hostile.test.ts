/** @file Packing, summaries, modules and verification under hostile arguments. */
import { describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { pack, summarize, toC, toModule, verify } from "../../src/export/index.js";
import { createSession } from "../../src/infer/index.js";
import { Flatten, Linear, Sequential } from "../../src/nn/index.js";
import { QuantLinear } from "../../src/quant/layers.js";
import { expectTyped, expectTypedOptions } from "../hostile-values.js";
import { disposeLater } from "../leaks.js";

const SHAPE = [2, 2, 1];
const network = () =>
  disposeLater(
    new Sequential(new Flatten(), new QuantLinear(new Linear(4, 3, { rng: new Rng(1) }), { weights: 1 })).eval(),
  );

describe("hostile arguments give values or errors of the library", () => {
  it("to pack and summarize", async () => {
    const net = network();
    await expectTyped("pack", pack, () => [net, { inputShape: SHAPE }]);
    await expectTyped("summarize", summarize, () => [net, { inputShape: SHAPE }]);
    await expectTyped("summarize", summarize, () => [pack(net, { inputShape: SHAPE })]);
    const names = ["inputShape", "inputType", "inputStep", "classes", "relaxed"];
    await expectTypedOptions("pack", names, (options) => pack(net, options), { inputShape: SHAPE });
    for (const inputShape of [
      [2 ** 32],
      [2 ** 20, 2 ** 20, 2],
      [0],
      [-1],
      [1.5],
      [2, 2],
      [2, 2, 1, 1],
      [],
      [4],
      [[4]],
    ]) {
      await expectTyped(
        "pack",
        () => pack(net, { inputShape: inputShape as never }),
        () => [],
      );
    }
  });

  it("to toModule", async () => {
    const bytes = pack(network(), { inputShape: SHAPE });
    await expectTyped("toModule", toModule, () => [bytes, "a.cgm"]);
    expect(toModule(bytes.buffer)).toBe(toModule(bytes));
  });

  it("to toC", async () => {
    const bytes = pack(network(), { inputShape: SHAPE });
    await expectTyped("toC", toC, () => [bytes, { name: "a" }]);
    await expectTypedOptions("toC", ["name", "main", "file"], (given) =>
      toC(bytes, { name: "a", ...(given as object) }),
    );
    expect(toC(bytes.buffer, { name: "a" })).toEqual(toC(bytes, { name: "a" }));
  });

  it("to verify", async () => {
    const net = network();
    const bytes = pack(net, { inputShape: SHAPE });
    const data = { images: Uint8Array.of(1, 2, 3, 4), labels: [0] };
    await expectTyped("verify", verify, () => [net, bytes, data, { batch: 1 }]);
    const options = ["batch", "onProgress", "signal"];
    await expectTypedOptions("verify", options, (given) => verify(net, bytes, data, given));
    await expectTypedOptions("data", ["images", "labels"], (given) => verify(net, bytes, given), data);
    expect((await verify(net, bytes, data)).identical).toBe(true);
    expect((await verify(net, bytes.buffer, data)).identical).toBe(true);
  });

  it("and what is packed afterwards is what was packed before", () => {
    const net = network();
    const [before, after] = [pack(net, { inputShape: SHAPE }), pack(net, { inputShape: SHAPE })];
    expect(after).toEqual(before);
    using session = createSession(after);
    expect(session.run(Uint8Array.of(1, 2, 3, 4))).toHaveLength(3);
  });
});
