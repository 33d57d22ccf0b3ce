/**
 * @file Bandwidth-bound passes, beside copies of the same array: by a loop of WebAssembly, which is the yardstick, and
 * by native code.
 */
import { type Kernels, kernelsFor } from "../../kernels/index.js";
import { scope } from "../../memory/index.js";
import { NDArray } from "../../ndarray/ndarray.js";
import { wasmCopy } from "./copy.js";
import { type BenchOptions, filled, measure } from "./harness.js";
import { ELEMENTWISE_LENGTHS } from "./shapes.js";

/** What a pass reads and writes. */
interface Arrays {
  readonly len: number;
  readonly x: NDArray;
  readonly y: NDArray;
  readonly out: NDArray;
  readonly codes: NDArray;
}

interface Pass {
  /** Bytes read and written for each element. */
  readonly bytes: number;
  run(kernels: Kernels, arrays: Arrays): void;
}

const PASSES: Readonly<Record<string, Pass>> = {
  copy: { bytes: 8, run: (_, { x, out }) => void out.assign(x) },
  add: { bytes: 12, run: (k, { x, y, out, len }) => k.f32_add(x.ptr, y.ptr, out.ptr, len, len, len) },
  relu: { bytes: 8, run: (k, { x, out, len }) => k.f32_relu(x.ptr, out.ptr, len) },
  exp: { bytes: 8, run: (k, { x, out, len }) => k.f32_exp(x.ptr, out.ptr, len) },
  staircase: { bytes: 5, run: (k, { x, codes, len }) => k.f32_staircase(x.ptr, codes.ptr, len, 0.1, 15, 0) },
  "staircase bwd": {
    bytes: 12,
    run: (k, { x, y, out, len }) => k.f32_staircase_bwd(x.ptr, y.ptr, out.ptr, len, 0.1, 15, 0),
  },
  "sgd step": {
    bytes: 20,
    run: (k, { x, y, out, len }) => k.f32_sgd_step(x.ptr, y.ptr, out.ptr, len, 1e-9, 0.9, 1e-4, 0, 0),
  },
};

/** Rows `wasm copy`, `copy`, `add`, `relu`, `exp`, `staircase`, `staircase bwd`, `sgd step`, each with its length. */
export function benchElementwise(options: BenchOptions): void {
  const kernels = kernelsFor("f32");
  const copy = wasmCopy();
  const wasmCopyPass: Pass = { bytes: 8, run: (_, { x, out, len }) => copy(x.ptr, out.ptr, len / 16) };
  for (const len of ELEMENTWISE_LENGTHS) {
    const passes = Object.entries({ "wasm copy": wasmCopyPass, ...PASSES }).filter(([name]) =>
      options.wants(`${name} ${len}`),
    );
    if (passes.length === 0) continue;
    scope(() => {
      const arrays = {
        len,
        x: filled([len]),
        y: filled([len]),
        out: filled([len]),
        codes: NDArray.full([len], 0, "u8"),
      };
      for (const [name, { bytes, run }] of passes) {
        const row = { work: `${name} ${len}`, shape: `${len}` };
        measure(options, row, { bytes: bytes * len }, () => run(kernels, arrays));
      }
    });
  }
}
