/** @file prepare() and code of the user's own: shared weights, subclasses, second calls, start values of alpha. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { Tensor } from "../../src/autograd/tensor.js";
import { scope } from "../../src/memory/scope.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { Linear, Module, ReLU, Sequential } from "../../src/nn/index.js";
import { SGD } from "../../src/optim/sgd.js";
import { prepare, QuantLinear, Staircase } from "../../src/quant/index.js";
import { disposeLater } from "../leaks.js";

class Tied extends Module {
  a = new Linear(2, 2, { bias: false });
  b = new Linear(2, 2, { bias: false });
  constructor() {
    super();
    this.b.weight.dispose();
    this.b.weight = this.a.weight;
  }
  override forward(x: Tensor): Tensor {
    return this.b.forward(this.a.forward(x));
  }
}
const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
afterEach(() => warn.mockClear());

describe("shared weights", () => {
  it("become one quantized parameter", () => {
    const net = disposeLater(new Tied());
    prepare(net, { weights: 1 });
    expect(net.parameters().length).toBe(1);
    const [a, b] = [net.a, net.b] as unknown as QuantLinear[];
    expect(a.weight).toBe(b.weight);
    b.weight.quantized();
    a.weight.set([8, 8, 8, 8]);
    expect(b.weight.quantized().delta[0]).toBe(8);
  });
  it("stay float where float code uses them, and are refused two rules", () => {
    const net = disposeLater(new Tied());
    expect(() => prepare(net, { weights: 1, perLayer: { b: { weights: 8 } } })).toThrow(/a and b share one weight/);
    expect(net.a).toBeInstanceOf(Linear);
    prepare(net, { weights: 1, keepFloat: ["b"] });
    expect(net.a).toBeInstanceOf(Linear);
    expect(warn.mock.calls[0][0]).toMatch(/a \(its weight is used by b too, which stays float\)/);
  });
});

describe("behaviour of one's own", () => {
  it("stays float and is named", () => {
    class Scaled extends Linear {
      override forward(x: Tensor): Tensor {
        return super.forward(x).mul(10);
      }
    }
    class Plain extends Linear {}
    const net = disposeLater(new Sequential(new Scaled(1, 1), new ReLU(), new Plain(1, 1)));
    (net[1] as ReLU).forward = (x) => x;
    prepare(net, { weights: 1, activations: 4 });
    expect([net[0].constructor, net[1].constructor, net[2].constructor]).toEqual([Scaled, ReLU, QuantLinear]);
    expect(warn.mock.calls[0][0]).toMatch(/left layers float.*0 \(it has a forward of its own\), 1 \(/);
  });
});

describe("a second call", () => {
  it("changes widths in place and says so", () => {
    const net = disposeLater(new Sequential(new Linear(2, 2), new ReLU()));
    prepare(net, { weights: 8, activations: 8 });
    const before = net.parameters();
    prepare(net, { weights: 2, activations: 2 });
    expect([(net[0] as unknown as QuantLinear).weight.projection.bits, (net[1] as Staircase).bits]).toEqual([2, 2]);
    expect(net.parameters()).toEqual(before);
    expect(warn.mock.calls[0][0]).toMatch(/quantized already: 0 \(8-bit uniform → 2-bit ternary\), 1 \(8 → 2 bits\)/);
    (net[1] as Staircase).setAlpha(0.75);
    prepare(net, { weights: 2, activations: 2 });
    expect((net[1] as Staircase).alpha.item()).toBe(0.75);
    expect(warn.mock.calls[1][0]).toMatch(/already, as it asks/);
  });
});

describe("alpha outside its default range", () => {
  it("is kept by a step, also after it was set or loaded", () => {
    scope(() => {
      const set = new Staircase({ bits: 4 });
      set.alpha.set([1e-5]);
      for (const [staircase, alpha] of [
        [new Staircase({ bits: 4, alpha: 8 }), 8],
        [set, Math.fround(1e-5)],
      ] as const) {
        const x = new Tensor(NDArray.from([100], [1]));
        const sgd = new SGD(staircase.parameters(), { lr: 0 });
        staircase.forward(x).sum().backward();
        sgd.step();
        expect(staircase.alpha.item()).toBe(alpha);
        staircase.dispose();
      }
    });
    expect(() => new Staircase({ bits: 4, alpha: 8, constraint: { range: [0.1, 5] } })).toThrow(/constraint\.range/);
  });
});

describe("a ReLU that is called as a function", () => {
  class Called extends Module {
    first = new Linear(4, 4);
    second = new Linear(4, 2);
    act = new ReLU();
    override forward(x: Tensor): Tensor {
      return this.second.forward(this.first.forward(x).relu().reshape([-1, 4]));
    }
  }
  const pass = (net: Module) => scope(() => void net.forward(new Tensor(NDArray.full([1, 4], 1))));

  it("is warned of once, by the layer that gets real numbers", () => {
    const net = disposeLater(prepare(new Called(), { weights: 1, activations: 4 }));
    expect(warn).not.toHaveBeenCalled();
    pass(net);
    pass(net);
    expect(warn.mock.calls.map(([text]) => text)).toEqual([
      expect.stringMatching(/second\.weight gets real numbers from a ReLU/),
    ]);
  });
  it("is no fault where activations stay float on purpose, or where modules give codes", () => {
    pass(disposeLater(prepare(new Called(), { weights: 1 })));
    pass(disposeLater(prepare(new Called(), { weights: 1, activations: 4, perLayer: { act: { activations: null } } })));
    pass(
      disposeLater(
        prepare(new Sequential(new Linear(4, 4), new ReLU(), new Linear(4, 2)), { weights: 1, activations: 4 }),
      ),
    );
    expect(warn).not.toHaveBeenCalled();
  });
});
