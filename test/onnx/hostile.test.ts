/** @file ONNX doors under hostile arguments. */
import { describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { pack } from "../../src/export/index.js";
import { readPacked } from "../../src/format/index.js";
import { Flatten, Linear, ReLU, Sequential } from "../../src/nn/index.js";
import { exportOnnx, exportPackedOnnx, importOnnx, OnnxNetwork } from "../../src/onnx/index.js";
import { expectTyped, expectTypedOptions } from "../hostile-values.js";
import { disposeLater } from "../leaks.js";

const SHAPE = [2, 2, 1];
const network = () =>
  disposeLater(new Sequential(new Flatten(), new Linear(4, 3, { rng: new Rng(1) }), new ReLU()).eval());

describe("hostile arguments give values or errors of the library", () => {
  it("to exports", async () => {
    const net = network();
    const bytes = pack(net, { inputShape: SHAPE });
    await expectTyped("exportOnnx", exportOnnx, () => [net, { inputShape: SHAPE }]);
    await expectTyped("exportPackedOnnx", exportPackedOnnx, () => [bytes, {}]);
    const names = ["pack", "arithmetic", "intermediates", "inputShape", "inputType", "inputStep", "classes", "relaxed"];
    await expectTypedOptions("exportOnnx", names, (options) => exportOnnx(net, options), { inputShape: SHAPE });
    await expectTypedOptions("exportPackedOnnx", names.slice(0, 3), (options) => exportPackedOnnx(bytes, options));
    const whole = exportPackedOnnx(bytes);
    expect(exportPackedOnnx(bytes.buffer)).toEqual(whole);
    expect(exportPackedOnnx(readPacked(bytes))).toEqual(whole);
  });

  it("to import, and nothing stays alive", async () => {
    const bytes = exportOnnx(network(), { inputShape: SHAPE });
    await expectTyped("importOnnx", importOnnx, () => [bytes, {}]);
    await expectTypedOptions("importOnnx", ["file", "inputShape", "output"], (options) => importOnnx(bytes, options));
    using net = importOnnx(bytes.buffer);
    expect(net.inputShape).toEqual(SHAPE);
    await expectTyped("forward", net.forward.bind(net), () => [1]);
  });

  it("to the network's constructor", async () => {
    const make = (...args: ConstructorParameters<typeof OnnxNetwork>) => new OnnxNetwork(...args);
    const steps = [{ kind: "layer", key: "a", input: 0 }];
    const info = { inputShape: [4], inputType: "f32", inputStep: 1 };
    await expectTyped("OnnxNetwork", make, () => [new Map([["a", new ReLU()]]), steps, 1, info]);
  });
});
