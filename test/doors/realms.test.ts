/**
 * @file Values and errors of another realm (a frame, a vm context, Jest) are taken as those of this one: where a door
 * tells kinds apart, it looks at what they are.
 */
import { createContext, runInContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { isErrorOf, messageOf } from "../../src/core/foreign-errors.js";
import { imageDataset } from "../../src/data/index.js";
import { memory, NDArray, noGrad, ScopeError, scope, Tensor } from "../../src/index.js";
import { readIdx, readNpy, readSafetensors, writeIdx, writeNpy, writeSafetensors } from "../../src/io/index.js";
import { Linear } from "../../src/nn/index.js";
import { OnnxNetwork } from "../../src/onnx/network.js";
import { checkVector } from "../../src/theory/vector.js";
import { disposeLater } from "../leaks.js";

const context = createContext({ make: () => NDArray.from([1, 2], [2]) });
/** The value of an expression in another realm. */
const foreign = <T>(expression: string): T => runInContext(expression, context) as T;

describe("of another realm", () => {
  it("the test's values are: instanceof fails for them", () => {
    expect(foreign("new Float32Array(1)") instanceof Float32Array).toBe(false);
    expect(foreign("({})") instanceof Object).toBe(false);
  });

  it.each(["[make()]", "({ a: [make()] })", "new Map([['a', make()]])", "new Set([make()])"])(
    "containers that a scope returns keep their arrays: %s",
    (expression) => {
      const before = memory().arrays;
      const value = scope(() => foreign<object>(expression));
      expect(memory().arrays).toBe(before + 1);
      scope(() => scope(() => value)); // what was kept is nobody's: it stays
      expect(memory().arrays).toBe(before + 1);
      const lists: Record<string, (value: never) => Iterable<unknown>> = {
        Map: (map: Map<string, unknown>) => map.values(),
        Set: (set: Set<unknown>) => set,
        Array: (list: unknown[]) => list,
        Object: (record: { a: unknown[] }) => record.a,
      };
      const kind = Object.prototype.toString.call(value).slice(8, -1);
      for (const array of lists[kind](value as never)) (array as NDArray).dispose();
    },
  );

  it("promises are no results of noGrad", () => {
    expect(() => noGrad(() => foreign("Promise.resolve(1)"))).toThrow(ScopeError);
  });

  it("typed arrays are written with the elements that they have", () => {
    for (const type of ["Float32Array", "Float64Array", "Int32Array", "Int8Array", "Uint8Array"]) {
      const data = foreign<Float32Array>(`${type}.of(1, 2, 3)`);
      const [idx, npy] = [readIdx(writeIdx([3], data)), readNpy(writeNpy([3], data))];
      const entry = [...readSafetensors(writeSafetensors([{ name: "a", shape: [3], data }])).tensors.values()][0];
      for (const read of [idx, npy, entry]) {
        expect(read.data.constructor.name).toBe(type);
        expect([...read.data].map(Number)).toEqual([1, 2, 3]);
      }
    }
  });

  it("labels are kept, vectors and maps of layers are taken", () => {
    const labels = foreign<Int32Array>("Int32Array.of(0, 1)");
    const images = foreign<Uint8Array>("Uint8Array.of(1, 2)");
    expect(imageDataset({ name: "two", classes: 2, shape: [1, 1, 1], images, labels }).labels).toBe(labels);
    for (const vector of ["Float64Array.of(1, 0)", "[2, 0]"]) checkVector("test", "vector", foreign(vector));
    const layers = foreign<Map<string, Linear>>("new Map()");
    layers.set("fc", disposeLater(new Linear(2, 1)));
    const input = { inputShape: [2], inputType: "f32", inputStep: 1 } as const;
    const net = new OnnxNetwork(layers, [{ kind: "layer", key: "fc", input: 0 }], 1, input as never);
    expect(scope(() => net.forward(new Tensor(NDArray.from([1, 2], [1, 2]))).size)).toBe(1);
  });

  it("errors are known by their names", () => {
    const thrown = foreign("(() => { try { new ArrayBuffer(2 ** 60) } catch (error) { return error } })()");
    expect([thrown instanceof RangeError, isErrorOf("RangeError", thrown), isErrorOf("TypeError", thrown)]).toEqual([
      false,
      true,
      false,
    ]);
    expect([messageOf(foreign("new Error('a')")), messageOf("b"), messageOf(null), messageOf({})]).toEqual([
      "a",
      "b",
      "null",
      "[object Object]",
    ]);
    expect([null, undefined, "RangeError"].some((value) => isErrorOf("RangeError", value))).toBe(false);
  });
});
