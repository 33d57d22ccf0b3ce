/**
 * @file Hostile arguments for public functions, and the runner that watches what they do: whatever is passed, a call
 * gives a value or an error of the library, frees what it made if it throws, and writes nowhere but into its own
 * arrays.
 */
import { add, conv2d, full, matmul, softmax, zeros } from "../src/autograd/functions.js";
import { noGrad } from "../src/autograd/graph.js";
import { Tensor } from "../src/autograd/tensor.js";
import { CoarsegradError } from "../src/core/errors.js";
import { memory } from "../src/kernels/index.js";
import { scope } from "../src/memory/scope.js";
import { NDArray } from "../src/ndarray/ndarray.js";
import { hostileValues } from "./hostile-values.js";

/** Values that are no arrays that live and no tensors, made once. */
export const HOSTILE: readonly (readonly [name: string, value: unknown])[] = hostileValues();

/**
 * Arrays of other types, ranks and extents than any one function wants, one that is dead among them. Made anew for each
 * attack.
 */
export function hostileArrays(): [name: string, value: NDArray][] {
  const dead = NDArray.zeros([2, 3]);
  dead.dispose();
  const make = (shape: number[], dtype: "f32" | "f64" | "i32" | "u8" | "i8" | "bool"): [string, NDArray] => [
    `${dtype} [${shape}]`,
    NDArray.full(shape, 1, dtype),
  ];
  return [
    ["disposed", dead],
    ...[[], [0], [3], [2, 3], [2, 0], [1, 3, 3, 2], [0, 3, 3, 2], [1, 3, 3, 0], [1, 2, 1, 1, 1, 2]].map((shape) =>
      make(shape, "f32"),
    ),
    make([2, 3], "f64"),
    make([2, 3], "i32"),
    make([2], "u8"),
    make([2, 3], "i8"),
    make([2, 3], "bool"),
    make([1, 3, 3, 2], "u8"),
    ["coded [1,3,3,2]", NDArray.from(new Uint8Array(18).fill(1), [1, 3, 3, 2], "u8", 0.5)],
  ];
}

/** {@link hostileArrays} as tensors. */
export function hostileTensors(): [name: string, value: Tensor][] {
  return hostileArrays().map(([name, array]) => {
    const tensor = new Tensor(array.alive ? array : NDArray.zeros(array.shape));
    // The real values of codes are made once and belong to the tensor: not to the call that asks first.
    if (array.alive) void tensor.value;
    else tensor.dispose();
    return [name, tensor];
  });
}

/** What an attack came to. */
export interface Outcome {
  calls: number;
  accepted: number;
  refused: number;
  /** What went wrong, in words; empty if all is well. */
  faults: string[];
}

/** How to call a function rightly, and what to leave alone. */
export interface Attack {
  /** Arguments that it takes. */
  readonly args: () => readonly unknown[];
  /** Arguments (by place) that are not attacked: names for messages. */
  readonly spare?: readonly number[];
  /** Further values to try in every place. */
  readonly values?: () => readonly (readonly [name: string, value: unknown])[];
  /** Which pairs of arguments are attacked together: every `stride`-th of all; 0 for none. Default 7. */
  readonly stride?: number;
  /** The argument (by place) that keeps its packed forms. */
  readonly weights?: number;
}

/** A known computation: convolution, product, softmax. Its bits tell whether memory is sound. */
export function knownBits(): string {
  return scope(() =>
    noGrad(() => {
      const x = new Tensor(
        NDArray.from(
          Array.from({ length: 72 }, (_, i) => ((i * 7) % 11) - 5),
          [1, 6, 6, 2],
        ),
      );
      const w = new Tensor(
        NDArray.from(
          Array.from({ length: 54 }, (_, i) => ((i * 5) % 7) - 3),
          [3, 2, 3, 3],
        ),
      );
      const rows = conv2d(x, w, null, { padding: 1 }).reshape([36, 3]);
      const products = matmul(rows, full([3, 4], 0.25));
      return Array.from(softmax(add(products, zeros([4]))).toTypedArray()).join();
    }),
  );
}

const CANARY = 7;

/** Weights keep packed forms of their contents until those change: then the heap must be as it was. */
function forgetPacked(arg: unknown): void {
  const array = arg instanceof Tensor ? arg.value : arg;
  if (array instanceof NDArray) array.touch("test");
}

/**
 * Calls `fn` with each hostile value in each place, and with pairs of them, and watches the heap.
 *
 * @returns counts; `faults` names each call that threw something else, changed the heap while it threw, or damaged
 * other arrays
 */
export function attack(name: string, fn: (...args: never[]) => unknown, options: Attack): Outcome {
  const outcome: Outcome = { calls: 0, accepted: 0, refused: 0, faults: [] };
  const { spare = [], stride = 7 } = options;
  const before = knownBits();
  const canaries = Array.from({ length: 24 }, (_, i) => NDArray.full([1 + 37 * i], CANARY));
  const good = options.args();
  const values = [...HOSTILE, ...(options.values?.() ?? [])];
  const call = (args: readonly unknown[], words: string): void => {
    outcome.calls++;
    if (options.weights !== undefined) forgetPacked(args[options.weights]);
    const { arrays, bytes } = memory();
    try {
      scope(() => {
        (fn as (...args: unknown[]) => unknown)(...args);
      });
      outcome.accepted++;
    } catch (error) {
      outcome.refused++;
      if (!(error instanceof CoarsegradError)) outcome.faults.push(`${name}(${words}): ${error}`);
    }
    if (options.weights !== undefined) forgetPacked(args[options.weights]);
    // The scope frees what was made inside; the next call, outside scopes, must free it by itself when it throws.
    if (memory().arrays !== arrays || memory().bytes !== bytes)
      outcome.faults.push(`${name}(${words}): leaks in a scope`);
    const heap = memory();
    let result: unknown;
    try {
      result = (fn as (...args: unknown[]) => unknown)(...args);
    } catch {
      const now = memory();
      if (now.arrays !== heap.arrays || now.bytes !== heap.bytes) {
        outcome.faults.push(`${name}(${words}): ${now.arrays - heap.arrays} arrays more after it threw`);
      }
      return;
    }
    release(result, args);
    const left = memory().arrays - heap.arrays;
    if (left !== 0) outcome.faults.push(`${name}(${words}): ${left} arrays beside its result`);
  };
  const put = (places: readonly (readonly [number, unknown])[]): unknown[] => {
    const args = [...good];
    for (const [place, value] of places) args[place] = value;
    return args;
  };
  const places = good.map((_, i) => i).filter((i) => !spare.includes(i));
  call(good, "good arguments");
  if (outcome.accepted === 0) outcome.faults.push(`${name}: refuses its good arguments`);
  let pair = 0;
  for (const place of places) {
    for (const [words, value] of values) {
      call(put([[place, value]]), `${place}: ${words}`);
      for (const other of places.filter((item) => stride > 0 && item > place)) {
        for (const [more, second] of values) {
          if (pair++ % stride === 0) {
            call(
              put([
                [place, value],
                [other, second],
              ]),
              `${place}: ${words}, ${other}: ${more}`,
            );
          }
        }
      }
    }
  }
  call([], "nothing");
  if (knownBits() !== before) outcome.faults.push(`${name}: a known computation gives other bits afterwards`);
  for (const canary of canaries) {
    if (canary.view().some((value) => value !== CANARY)) outcome.faults.push(`${name}: memory of others was written`);
  }
  for (const item of [...canaries, ...good, ...values.map(([, value]) => value)]) release(item);
  return outcome;
}

/** Frees a result: an array, a tensor, or an object or list of them, but for those that are not its own. */
function release(value: unknown, except: readonly unknown[] = []): void {
  const items =
    value instanceof NDArray || value instanceof Tensor || typeof value !== "object" || value === null
      ? [value]
      : Object.values(value);
  for (const item of items) {
    if ((item instanceof NDArray || item instanceof Tensor) && !except.includes(item)) item.dispose();
  }
}
