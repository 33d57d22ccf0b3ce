/** @file A function around the calls of modules: what it sees, and that nothing is left behind. */
import { describe, expect, it } from "vitest";
import { Tensor } from "../../src/autograd/tensor.js";
import { scope } from "../../src/memory/scope.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { aroundCalls } from "../../src/nn/calls.js";
import { Linear, type Module, ReLU, Sequential } from "../../src/nn/index.js";
import { disposeLater } from "../leaks.js";

const row = (...values: number[]) => disposeLater(new Tensor(NDArray.from(values, [1, values.length])));

/** Own properties of modules, and how they are described. */
const shapesOf = (modules: readonly Module[]) => modules.map((module) => Object.getOwnPropertyDescriptors(module));

describe("a function around calls", () => {
  it("sees inputs, makes the call, and may give something else", () =>
    scope(() => {
      const [linear, relu] = [new Linear(2, 2), new ReLU()];
      const net = disposeLater(new Sequential(linear, relu));
      const x = row(1, -2);
      const seen: unknown[] = [];
      const y = aroundCalls(
        [relu, linear],
        (i, inputs, forward) => {
          seen.push(`before ${i}`);
          const output = forward();
          seen.push(`after ${i}`, inputs);
          return i === 0 ? inputs[0] : output;
        },
        () => net.forward(x),
      );
      const between = (seen[5] as unknown[])[0];
      expect(seen).toEqual(["before 1", "after 1", [x], "before 0", "after 0", [between]]);
      expect(y).toBe(between);
    }));

  it("leaves nothing behind, whether the run throws, an object has its own forward, or a module is there twice", () =>
    scope(() => {
      const [plain, own, twice, frozen] = [new ReLU(), new ReLU(), new ReLU(), new ReLU()];
      Object.defineProperty(own, "forward", { value: () => "own", enumerable: false, configurable: true });
      Object.freeze(frozen);
      const modules = [plain, own, twice, twice, frozen];
      const before = shapesOf(modules);
      const calls: number[] = [];
      const count = (i: number, _: unknown, forward: () => unknown) => {
        calls.push(i);
        return forward();
      };
      const x = row(1, -1);
      aroundCalls(modules, count, () => {
        expect(own.forward(x)).toBe("own");
        expect(twice.forward(x).toArray()).toEqual([[1, 0]]);
        expect(frozen.forward(x).toArray()).toEqual([[1, 0]]);
      });
      // Both functions are around the module that is there twice; what is frozen cannot be watched.
      expect(calls).toEqual([1, 3, 2]);
      expect(shapesOf(modules)).toEqual(before);
      const fails = () =>
        aroundCalls(modules, count, () => {
          throw new RangeError("stop");
        });
      expect(fails).toThrow(new RangeError("stop"));
      expect(shapesOf(modules)).toEqual(before);
    }));
});
