/**
 * @file Modules in nested containers, lists given to Sequential, and joined pairs that respect a forward of one's own.
 */
import { describe, expect, it } from "vitest";
import { Tensor } from "../../src/autograd/tensor.js";
import { scope } from "../../src/memory/scope.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { BatchNorm1d, Linear, Module, ReLU, Sequential } from "../../src/nn/index.js";
import { disposeLater } from "../leaks.js";

class Nested extends Module {
  blocks = [[new Linear(2, 2), new BatchNorm1d(2)]];
  named = { leftEye: new Linear(2, 2, { bias: false }) };
  table = new Map<unknown, unknown>([["k", new Linear(2, 1, { bias: false })]]);
  bag = new Set([new ReLU()]);
  loop: unknown[] = [];
  constructor() {
    super();
    this.loop.push(this.loop, this);
  }
  override forward(x: Tensor): Tensor {
    return this.named.leftEye.forward(this.blocks[0][0].forward(x));
  }
}

describe("nested containers", () => {
  it("are walked, cycles end, and their modules follow the mode", () => {
    const net = disposeLater(new Nested()).eval();
    expect([...net.namedParameters().keys()]).toEqual([
      "blocks.0.0.weight",
      "blocks.0.0.bias",
      "blocks.0.1.weight",
      "blocks.0.1.bias",
      "named.left_eye.weight",
      "table.k.weight",
    ]);
    expect(net.blocks[0][1].training).toBe(false);
  });
  it("have their members replaced where they are", () => {
    const net = disposeLater(new Nested());
    for (const path of ["blocks.0.1", "table.k", "bag.0"]) {
      const other = new ReLU();
      (net.replace(path, other) as { dispose(): void }).dispose();
      expect(net.get(path)).toBe(other);
    }
  });
  it("are refused where two members have one key", () => {
    class Twice extends Module {
      aB = new ReLU();
      a_b = new ReLU();
      override forward(x: Tensor): Tensor {
        return x;
      }
    }
    expect(() => new Twice().namedChildren()).toThrow(/two members have the key "a_b"/);
  });
});

describe("Sequential", () => {
  it("takes a list", () => {
    const net = disposeLater(new Sequential([new Linear(2, 3), new ReLU()]));
    expect(net.length).toBe(2);
    expect(() => new Sequential(new ReLU(), 3 as never)).toThrow(/Sequential: bad module 1; expected a Module, got 3/);
  });
  it("calls a subclass's forward behind and in a batch norm", () => {
    scope(() => {
      class ReLU6 extends ReLU {
        override forward(x: Tensor): Tensor {
          return x.clip(0, 6);
        }
      }
      class Doubled extends BatchNorm1d {
        override normalizeBatch(...given: Parameters<BatchNorm1d["normalizeBatch"]>): Tensor {
          return super.normalizeBatch(...given).sub(1);
        }
      }
      const x = new Tensor(NDArray.from([-1, 1, 0, 3], [4, 1]));
      const patched = new ReLU();
      patched.forward = (value) => value.mul(2);
      for (const norm of [new BatchNorm1d(1), new Doubled(1)]) {
        norm.weight.set([10]);
        for (const act of [new ReLU6(), patched, new ReLU()]) {
          expect(new Sequential(norm, act).forward(x).toArray()).toEqual(act.forward(norm.forward(x)).toArray());
        }
        norm.dispose();
      }
    });
  });
});

describe("states", () => {
  const load = (bias: unknown) => {
    const layer = disposeLater(new Linear(2, 2));
    layer.weight.set([9, 9, 9, 9]);
    return {
      layer,
      go: () =>
        layer.loadStateDict({
          weight: [
            [1, 2],
            [3, 4],
          ],
          bias: bias as never,
        }),
    };
  };
  it.each([
    [{ shape: [2], data: new Float32Array(1) }, /bias \(expected f32 or f64 \[2\], got \[2\] with 1 values\)/],
    [{ shape: [2], data: new Float32Array(3) }, /with 3 values/],
    [{ shape: [2], data: [1, "2"] }, /got \[2\] of a list of 2/],
    [[1, [2]], /ragged/],
    [undefined, /got undefined/],
    [new Float32Array(2), /got Float32Array of 2/],
  ])("of the wrong kind are refused whole %#", (bias, message) => {
    const { layer, go } = load(bias);
    expect(go).toThrow(message);
    expect(layer.weight.toArray()).toEqual([
      [9, 9],
      [9, 9],
    ]);
  });
  it("are taken from JSON and tensors", () => {
    scope(() => {
      for (const bias of [[5, 6], { shape: [2], data: [5, 6] }, new Tensor(NDArray.from([5, 6], [2]))]) {
        const { layer, go } = load(bias);
        go();
        expect([layer.weight.toArray(), layer.bias?.toArray()]).toEqual([
          [
            [1, 2],
            [3, 4],
          ],
          [5, 6],
        ]);
      }
    });
  });
});
