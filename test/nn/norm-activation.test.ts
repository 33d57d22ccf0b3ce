/** @file Batch norm joined to its activation: the bits of the separate modules, forward and backward. */
import { describe, expect, it } from "vitest";
import { Tensor } from "../../src/autograd/tensor.js";
import { Rng } from "../../src/core/rng.js";
import { scope } from "../../src/memory/index.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { BatchNorm2d, Module, normActivation, ReLU, Sequential } from "../../src/nn/index.js";
import { Staircase, type StaircaseOptions } from "../../src/quant/index.js";

const SHAPE = [9, 11, 13, 24]; // rows of several blocks, the last one short

function filled(rng: Rng, shape: readonly number[]): NDArray {
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  rng.fillUniform(values, -2, 2);
  return NDArray.from(values, shape);
}

type Shortcut = "none" | "real" | "coded";

/** Everything that a pass leaves. */
function outcome(activation: Module, shortcut: Shortcut, joined: boolean) {
  const rng = new Rng(`norm ${shortcut}`);
  const norm = new BatchNorm2d(24);
  try {
    return scope(() => {
      norm.weight.set(filled(rng, [24]).toTypedArray());
      norm.bias.set(filled(rng, [24]).toTypedArray());
      const x = new Tensor(filled(rng, SHAPE), true);
      const other = filled(rng, SHAPE);
      const codes = Uint8Array.from(other.toTypedArray(), (value) => Math.floor(4 * (value + 2)));
      const side = new Tensor(shortcut === "coded" ? NDArray.from(codes, SHAPE, "u8", 0.125) : other, true);
      const added = shortcut === "none" ? null : side;
      const h = joined ? null : norm.forward(x);
      const y = h === null ? normActivation(norm, activation, x, added) : activation.forward(added ? h.add(added) : h);
      const name = y.node?.op.name;
      y.backward(new Tensor(filled(rng, SHAPE)));
      const bits = {
        y: y.data.toTypedArray(),
        dx: x.gradient?.toTypedArray(),
        dshortcut: side.gradient?.toTypedArray(),
        dgamma: norm.weight.gradient?.toTypedArray(),
        dbeta: norm.bias.gradient?.toTypedArray(),
        mean: norm.runningMean.data.toTypedArray(),
        variance: norm.runningVar.data.toTypedArray(),
      };
      return { name, bits };
    });
  } finally {
    norm.dispose();
  }
}

const kinds: readonly Shortcut[] = ["none", "real", "coded"];

describe("normActivation", () => {
  it.each(kinds)("has the bits of batch norm and ReLU, shortcut %s", (shortcut) => {
    const [joined, apart] = [outcome(new ReLU(), shortcut, true), outcome(new ReLU(), shortcut, false)];
    expect([joined.name, apart.name]).toEqual(["batchNormRelu", "relu"]);
    expect(joined.bits).toEqual(apart.bits);
  });

  it.each(
    kinds.flatMap((shortcut) => [
      [shortcut, { bits: 4 }] as const,
      [shortcut, { bits: 2, rounding: "nearest", alpha: 0.7 }] as const,
    ]),
  )("has the bits of batch norm and staircase, shortcut %s, %o", (shortcut, options: StaircaseOptions) => {
    const [one, two] = [new Staircase(options), new Staircase(options)];
    const [joined, apart] = [outcome(one, shortcut, true), outcome(two, shortcut, false)];
    expect([joined.name, apart.name]).toEqual(["batchNormStaircase", "staircase"]);
    expect(joined.bits).toEqual(apart.bits);
    const [a, b] = [one, two].map(({ alpha }) => alpha.gradient?.item() as number);
    // The same terms in another order, in f64, rounded to f32.
    expect(Math.abs(a - b)).toBeLessThanOrEqual(2 ** -23 * Math.abs(b));
    one.dispose();
    two.dispose();
  });

  it("leaves apart what wants to be seen: observers, own proxies, subclasses, evaluation", () => {
    const nameOf = (norm: BatchNorm2d, activation: Module): string | undefined =>
      scope(
        () => normActivation(norm, activation, new Tensor(filled(new Rng("apart"), [2, 3, 3, 4]), true)).node?.op.name,
      );
    class Own extends BatchNorm2d {
      override forward(x: Tensor): Tensor {
        return super.forward(x).mul(2);
      }
    }
    const [norm, own, staircase] = [new BatchNorm2d(4), new Own(4), new Staircase({ bits: 2 })];
    const triangle = { name: "triangle", dx: () => 0.5 };
    const custom = new Staircase({ bits: 2, proxy: triangle });
    expect(nameOf(norm, staircase)).toBe("batchNormStaircase");
    expect(nameOf(norm, custom)).toBe("staircase");
    expect(nameOf(own, staircase)).toBe("staircase");
    class Twice extends ReLU {
      override forward(x: Tensor): Tensor {
        return super.forward(x).mul(2);
      }
    }
    expect(nameOf(norm, new ReLU())).toBe("batchNormRelu");
    expect(nameOf(norm, new Twice())).toBe("mul");
    const hooked = new ReLU();
    hooked.forward = (x) => x.neg();
    expect(nameOf(norm, hooked)).toBe("neg");
    // The name of a method says nothing.
    class Named extends Module {
      override forward(x: Tensor): Tensor {
        return x.exp();
      }
      forwardNormalized(): null {
        throw new Error("called");
      }
    }
    expect(nameOf(norm, new Named())).toBe("exp");
    let seen = 0;
    staircase.observe((x) => {
      seen += x.size;
    });
    expect(nameOf(norm, staircase)).toBe("staircase");
    expect(seen).toBe(72);
    staircase.observe(null);
    norm.eval();
    expect(nameOf(norm, staircase)).toBe("staircase");
    for (const module of [norm, own, staircase, custom]) module.dispose();
  });

  it("joins pairs in a Sequential, and counts codes there too", () => {
    scope(() => {
      const staircase = new Staircase({ bits: 2 });
      const net = new Sequential(new BatchNorm2d(4), staircase, new BatchNorm2d(4), new ReLU());
      staircase.countCodes(true);
      const y = net.forward(new Tensor(filled(new Rng("sequence"), [2, 3, 3, 4]), true));
      expect(y.node?.op.name).toBe("relu"); // its norm sees codes
      expect(y.node?.inputs[0].node?.inputs[0].node?.op.name).toBe("batchNormStaircase");
      expect(staircase.codeCounts?.reduce((a, b) => a + b)).toBe(72);
      net.dispose();
    });
  });
});
