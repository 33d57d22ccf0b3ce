/** @file Public functions and methods outside scopes: nothing stays but the result, also where a call is refused. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { noGrad } from "../../src/autograd/graph.js";
import { Tensor } from "../../src/autograd/tensor.js";
import { Rng } from "../../src/core/rng.js";
import { arrays } from "../../src/index.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import * as nn from "../../src/nn/index.js";
import { type Door, doorsOf, methodsOf } from "../doors/entries.js";
import { callOutside } from "../outside.js";

afterEach(() => vi.restoreAllMocks());

const numbers = (length: number): number[] => Array.from({ length }, (_, i) => ((i * 7) % 11) / 8 - 0.5);
const array = (shape: number[], dtype: "f32" | "u8" | "bool" | "i32" = "f32"): NDArray =>
  NDArray.from(
    numbers(shape.reduce((a, b) => a * b, 1)).map((x) => (dtype === "f32" ? x : x > 0 ? 1 : 0)),
    shape,
    dtype,
  );

/** Arguments of many kinds of calls, made anew; which of them a function takes it says itself. */
const TUPLES: readonly (() => unknown[])[] = [
  () => [],
  () => [2],
  () => [[2, 3]],
  () => [[2, 3], 1],
  () => ["matrix"],
  () => ["matrix", "matrix"],
  () => ["matrix", 2],
  () => [2, "matrix"],
  () => ["matrix", 0],
  () => ["matrix", [1, 0]],
  () => ["matrix", [6]],
  () => ["matrix", -1, 1],
  () => ["matrix", "f64"],
  () => ["matrix", { axis: 1 }],
  () => ["matrix", "column"],
  () => ["matrix", "labels"],
  () => ["condition", "matrix", "matrix"],
  () => ["condition", "matrix", 1],
  () => ["condition", 1, "matrix"],
  () => [["matrix", "matrix"], 0],
  () => ["image", "filter"],
  () => ["image", "filter", null],
  () => ["image", "filter", "bias", { padding: 1 }],
  () => ["image", 2],
  () => ["image", [2, 2]],
  () => ["codes", "filter"],
];

/** The tuple with words for what lives in the heap replaced by it. @param wrap what functions of this kind take */
function filled(tuple: unknown[], wrap: (made: NDArray) => unknown): unknown[] {
  const made: Record<string, () => NDArray> = {
    matrix: () => array([2, 3]),
    column: () => array([3, 2]),
    labels: () => array([2], "i32"),
    condition: () => array([2, 3], "bool"),
    image: () => array([1, 4, 4, 2]),
    codes: () =>
      NDArray.from(
        numbers(32).map((x) => (x > 0 ? 1 : 0)),
        [1, 4, 4, 2],
        "u8",
        0.5,
      ),
    filter: () => array([3, 2, 3, 3]),
    bias: () => array([3]),
  };
  return tuple.map((item) => {
    if (Array.isArray(item)) return filled(item, wrap);
    return typeof item === "string" && item in made ? wrap(made[item]()) : item;
  });
}

function dispose(values: readonly unknown[]): void {
  for (const value of values) {
    if (Array.isArray(value)) dispose(value);
    else (value as { dispose?(): void } | null)?.dispose?.();
  }
}

/** Tries every tuple. @returns whether one was accepted, and what stayed of any */
function besiege(name: string, fn: (...args: never[]) => unknown, wrap: (made: NDArray) => unknown) {
  const faults: string[] = [];
  let accepted = false;
  for (const tuple of TUPLES) {
    const args = filled(tuple(), wrap);
    const found = callOutside(fn, args);
    accepted ||= found.accepted;
    if (found.arrays !== 0 || found.bytes !== 0) {
      const what = `${found.arrays} arrays, ${found.bytes} bytes`;
      faults.push(`${name}(${JSON.stringify(tuple())}), ${found.accepted ? "accepted" : "refused"}: ${what}`);
    }
    dispose(args);
  }
  return { accepted, faults };
}

describe("outside scopes nothing stays but the result", () => {
  const silent = () => {
    for (const method of ["warn", "log"] as const) vi.spyOn(console, method).mockImplementation(() => undefined);
  };
  const check = (doors: readonly Door[], wrap: (made: NDArray) => unknown) => {
    silent();
    const faults: string[] = [];
    let accepted = 0;
    for (const { name, call } of doors) {
      const found = besiege(name, (...args: never[]) => noGrad(() => call(args)), wrap);
      faults.push(...found.faults);
      if (found.accepted) accepted++;
    }
    expect(faults, faults.join("\n")).toEqual([]);
    return accepted;
  };
  // Engines, and networks of millions of weights, are asked elsewhere.
  const doors = [".", "./nn", "./quant", "./train"]
    .flatMap((entry) => doorsOf(entry))
    .filter(({ name }) => !/init|: arrays|[sS]cope|noGrad|dispose|heap/i.test(name));

  it("functions and classes of tensors", () => {
    expect(check(doors, (made) => new Tensor(made))).toBeGreaterThan(120);
  });
  it("functions of arrays", () => {
    expect(check(doorsOf("arrays", arrays as never), (made) => made)).toBeGreaterThan(20);
  });
  it.each([
    ["NDArray", () => array([2, 3]), (made: NDArray) => made],
    ["Tensor", () => new Tensor(array([2, 3])), (made: NDArray) => new Tensor(made)],
  ] as const)("methods of %s", (kind, make, wrap) => {
    silent();
    const faults: string[] = [];
    const one: NDArray | Tensor = make();
    const methods = methodsOf(one);
    one.dispose();
    for (const method of methods.filter((name) => !/dispose/i.test(name))) {
      const object = make() as unknown as Record<string, (...args: never[]) => unknown>;
      const fn = (...args: never[]) => {
        const result = noGrad(() => object[method](...args));
        return result === object ? undefined : result;
      };
      faults.push(...besiege(`${kind}#${method}`, fn, wrap).faults);
      dispose([object]);
    }
    expect(faults, faults.join("\n")).toEqual([]);
  });

  const rng = new Rng(1);
  const LAYERS: [string, () => nn.Module, number[]][] = [
    ["Linear", () => new nn.Linear(3, 4, { rng }), [2, 3]],
    ["Conv2d", () => new nn.Conv2d(2, 3, 3, { rng }), [2, 5, 5, 2]],
    ["BatchNorm1d", () => new nn.BatchNorm1d(3), [4, 3]],
    ["BatchNorm2d", () => new nn.BatchNorm2d(2), [2, 5, 5, 2]],
    ["ReLU", () => new nn.ReLU(), [2, 3]],
    ["Dropout", () => new nn.Dropout(0.5), [2, 3]],
    ["MaxPool2d", () => new nn.MaxPool2d(2), [1, 4, 4, 2]],
    ["AvgPool2d", () => new nn.AvgPool2d(2), [1, 4, 4, 2]],
  ];
  it.each(LAYERS)("%s, in training and in evaluation", (_, make, shape) => {
    using net = make();
    using x = new Tensor(array(shape));
    for (const training of [true, false]) {
      net.train(training);
      const fn = () => noGrad(() => net.forward(x));
      expect(callOutside(fn, []), `training ${training}`).toEqual({ accepted: true, arrays: 0, bytes: 0 });
    }
  });
});

describe("calls outside scopes", () => {
  const kept: NDArray[] = [];
  it("that leave an array beside their result are seen, and refused ones too", () => {
    const leaky = (refuse: boolean) => () => {
      kept.push(array([4]));
      if (refuse) throw new Error("no");
      return array([2]);
    };
    expect(callOutside(leaky(false), [])).toMatchObject({ accepted: true, arrays: 1 });
    expect(callOutside(leaky(true), [])).toMatchObject({ accepted: false, arrays: 1 });
    expect(callOutside(() => [array([2]), { a: array([3]) }], [])).toEqual({ accepted: true, arrays: 0, bytes: 0 });
    dispose(kept);
  });
});
