/** @file Bandwidth-bound passes, beside a plain copy of the same bytes. */
import { kernelsFor } from "../../kernels/index.js";
import { scope } from "../../memory/index.js";
import { NDArray } from "../../ndarray/ndarray.js";
import { type BenchOptions, filled, measure } from "./harness.js";
import { ELEMENTWISE_LENGTHS } from "./shapes.js";

/** Rows `copy`, `add`, `relu`, `exp`, `staircase`, `staircase bwd`, `sgd step`, each with its length. */
export function benchElementwise(options: BenchOptions): void {
  const kernels = kernelsFor("f32");
  for (const len of ELEMENTWISE_LENGTHS) {
    scope(() => {
      const x = filled([len]);
      const y = filled([len]);
      const out = filled([len]);
      const codes = NDArray.full([len], 0, "u8");
      const row = (work: string, bytes: number, fn: () => void): void =>
        measure(options, { work: `${work} ${len}`, shape: `${len}` }, { bytes }, fn);
      row("copy", 8 * len, () => out.assign(x));
      row("add", 12 * len, () => kernels.f32_add(x.ptr, y.ptr, out.ptr, len, len, len));
      row("relu", 8 * len, () => kernels.f32_relu(x.ptr, out.ptr, len));
      row("exp", 8 * len, () => kernels.f32_exp(x.ptr, out.ptr, len));
      row("staircase", 5 * len, () => kernels.f32_staircase(x.ptr, codes.ptr, len, 0.1, 15, 0));
      row("staircase bwd", 12 * len, () => kernels.f32_staircase_bwd(x.ptr, y.ptr, out.ptr, len, 0.1, 15, 0));
      row("sgd step", 20 * len, () => kernels.f32_sgd_step(x.ptr, y.ptr, out.ptr, len, 1e-9, 0.9, 1e-4, 0, 0));
    });
  }
}
