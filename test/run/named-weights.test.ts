/** @file Weights of another network: what refuses them tells whose they are. */
import { describe, expect, it } from "vitest";
import { StateError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { type SafeEntry, writeSafetensors } from "../../src/io/safetensors.js";
import { model } from "../../src/models/index.js";
import type { ImageInfo } from "../../src/run/images.js";
import { loadRunState } from "../../src/run/named-weights.js";
import { floatNetwork } from "../../src/run/network.js";
import { readModel, type WeightsSource } from "../../src/run/source.js";
import { save } from "../../src/train/weights-file.js";

const COLOUR: ImageInfo = { shape: [32, 32, 3], classes: 10 };
const GREY: ImageInfo = { shape: [28, 28, 1], classes: 10 };

/** A file of weights of the network of that name: as `save` writes it, or under other names. */
function weightsOf(name: string, info: ImageInfo, rename?: (key: string) => string): WeightsSource {
  const [size, , channels] = info.shape;
  const net = model(name, { size, channels, classes: info.classes, rng: new Rng(1) });
  try {
    const renamed = (own: (key: string) => string): SafeEntry[] =>
      [...net.stateDict()].map(([key, array]) => ({
        name: own(key),
        shape: array.shape,
        data: array.toTypedArray() as Float32Array,
      }));
    const bytes = rename === undefined ? save(net) : writeSafetensors(renamed(rename), { format: "pt" });
    return readModel(bytes, "theirs.safetensors") as WeightsSource;
  } finally {
    net.dispose();
  }
}

function refusal(name: string, source: WeightsSource, info: ImageInfo): StateError {
  try {
    floatNetwork(name, info, source, null).dispose();
  } catch (error) {
    if (error instanceof StateError) return error;
    throw error;
  }
  throw new Error(`${name} took the weights`);
}

describe("weights of another network", () => {
  it.each([
    ["resnet20", "resnet20b", COLOUR],
    ["resnet20b", "resnet20", COLOUR],
    ["resnet32", "resnet56", COLOUR],
    ["mlp", "lenet5", GREY],
    ["mobilenetv1", "mobilenetv1-0.5", COLOUR],
  ] as const)("%s refuses those of %s, and says so", (name, theirs, info) => {
    const behind = (key: string): string => `module.${key}`;
    for (const rename of name === "resnet20" ? [undefined, behind] : [undefined]) {
      const { message, hint } = refusal(name, weightsOf(theirs, info, rename), info);
      expect(message).toMatch(
        /^loadStateDict: the state does not match the network; expected its \d+ keys and shapes, got /,
      );
      expect(hint).toBe(`nothing was changed; theirs.safetensors holds weights of ${theirs}, not of ${name}`);
    }
  });

  it("names nobody where the weights are of none", () => {
    const source = weightsOf("resnet20", COLOUR, (key) => key.replace("layer3", "layer4"));
    expect(refusal("resnet20", source, COLOUR).hint).toBe(
      "nothing was changed; theirs.safetensors does not hold weights of this resnet20",
    );
  });

  it("names nobody where classes differ, and loads what fits", () => {
    const source = weightsOf("lenet5", GREY);
    expect(refusal("lenet5", source, { ...GREY, classes: 12 }).hint).toBe(
      "nothing was changed; theirs.safetensors does not hold weights of this lenet5",
    );
    floatNetwork("lenet5", GREY, source, null).dispose();
  });

  it("tells of a run which network it trained", () => {
    const to = { net: model("mlp", { rng: new Rng(1) }), name: "mlp" };
    try {
      const { tensors } = weightsOf("lenet5", GREY);
      expect(() => loadRunState(to, tensors, "runs/lenet", "lenet5")).toThrow(
        "; nothing was changed; runs/lenet holds weights of lenet5, not of mlp",
      );
      expect(() => loadRunState(to, tensors, "runs/mlp", "mlp")).toThrow(
        "; nothing was changed; runs/mlp does not hold weights of this mlp",
      );
    } finally {
      to.net.dispose();
    }
  });
});
