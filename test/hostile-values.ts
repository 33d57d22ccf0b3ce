/**
 * @file Arguments that no function was written for, and what a public function may make of them: a value, or an error
 * of the library.
 */
import { runInNewContext } from "node:vm";
import { expect } from "vitest";
import { CoarsegradError } from "../src/core/errors.js";
import { memory } from "../src/kernels/index.js";
import { NDArray } from "../src/ndarray/ndarray.js";

function disposed(): NDArray {
  const array = NDArray.zeros([2, 2]);
  array.dispose();
  return array;
}

/**
 * Values that no function was written for: numbers at edges, wrong kinds, typed arrays of this realm and another; made
 * anew.
 */
export function hostileValues(): [string, unknown][] {
  return [
    ["undefined", undefined],
    ["null", null],
    ["NaN", Number.NaN],
    ["−1", -1],
    ["−0", -0],
    ["0", 0],
    ["1", 1],
    ["1.5", 1.5],
    ["2^31", 2 ** 31],
    ["2^32", 2 ** 32],
    ["2^53", 2 ** 53],
    ["∞", Number.POSITIVE_INFINITY],
    ["a bigint", 5n],
    ["a symbol", Symbol("hostile")],
    ["true", true],
    ["no text", ""],
    ["text", "f32_index_add"],
    ["a function", () => 1],
    ["{}", {}],
    ["an unknown option", { batchSise: 3 }],
    ["an object without prototype", Object.create(null)],
    [
      "a look-alike of an array",
      { shape: [2], dtype: "f32", ptr: 64, size: 2, alive: true, data: { ptr: 64, coded: false } },
    ],
    ["[]", []],
    ["[null]", [null]],
    ["[NaN]", [Number.NaN]],
    ["[−1, −1]", [-1, -1]],
    ["[0, 0]", [0, 0]],
    ["[1, 1]", [1, 1]],
    ["[1, 2]", [1, 2]],
    ["[2^20, 2^20]", [2 ** 20, 2 ** 20]],
    ["[2^32]", [2 ** 32]],
    ["holes", new Array(3)],
    ["nested", [[1, 2], ["a"]]],
    ["a list of another realm", runInNewContext("[1, 2]")],
    ["new Map", new Map()],
    ["a map of null", new Map([["x", null]])],
    ["a plan of nothing", { plan: {}, data: new Map() }],
    ["a canvas of nothing", { width: 2, height: 2 }],
    ["bytes", Uint8Array.of(1, 2, 3)],
    ["no bytes", new Uint8Array(0)],
    ["a buffer", new ArrayBuffer(40)],
    ["a view", new DataView(new ArrayBuffer(9))],
    ["f32", Float32Array.of(1, 2)],
    ["f64", new Float64Array(4)],
    ["i16", new Int16Array(4)],
    ["i64", BigInt64Array.of(1n)],
    ["bytes of another realm", runInNewContext("new Uint8Array(4)")],
    ["f32 of another realm", runInNewContext("new Float32Array([1, 2])")],
    ["i32 of another realm", runInNewContext("new Int32Array([1, 2])")],
    ["a disposed array", disposed()],
    ["a promise", Promise.resolve(1)],
    ["a date", new Date(0)],
  ];
}

/** Frees what a call gave, if that can be freed. */
function release(value: unknown): void {
  (value as Partial<Disposable> | null | undefined)?.[Symbol.dispose]?.();
}

/**
 * Calls a function with every hostile value in every place, the others as in a good call, and with too few arguments.
 *
 * @param good arguments of a good call, made anew for each
 */
export async function expectTyped(
  name: string,
  fn: (...args: never[]) => unknown,
  good: () => readonly unknown[],
): Promise<void> {
  const calls: [string, readonly unknown[]][] = [["no arguments", []]];
  good().forEach((_, i) => {
    for (const [what, value] of hostileValues()) {
      calls.push([`argument ${i}: ${what}`, good().map((own, at) => (at === i ? value : own))]);
    }
  });
  for (const [what, args] of calls) {
    const { arrays } = memory();
    try {
      release(await fn(...(args as never[])));
    } catch (error) {
      if (!(error instanceof CoarsegradError)) expect.fail(`${name}, ${what}: ${(error as Error)?.stack ?? error}`);
    }
    expect(memory().arrays, `${name}, ${what}: arrays alive`).toBe(arrays);
  }
}

/** Calls a function with hostile values for each of its options. */
export async function expectTypedOptions(
  name: string,
  options: readonly string[],
  fn: (options: never) => unknown,
  others: object = {},
): Promise<void> {
  for (const option of options) {
    const call = (value: unknown) => fn({ ...others, [option]: value } as never);
    await expectTyped(`${name} ${option}`, call, () => [1]);
  }
}
