/**
 * @file The contract of kernels: signatures come from names, and a split that names what there is not does not compile.
 */
import { describe, expect, expectTypeOf, it } from "vitest";
import { ABI, type Kernels } from "../../src/kernels/abi.js";
import { type KernelOf, kernel, result } from "../../src/kernels/contract.js";
import { dense, type Splits } from "../../src/kernels/split.js";
import { MAX_ARGUMENTS } from "../../src/kernels/threads/control.js";

describe("a line", () => {
  it("has a signature of its names", () => {
    const add = kernel(["xPtr", "len", "sumsPtr?"], null);
    const sum = result(["xPtr", "len"], null);
    expectTypeOf<KernelOf<typeof add>>().toEqualTypeOf<(x: number, len: number, sums?: number) => void>();
    expectTypeOf<KernelOf<typeof sum>>().toEqualTypeOf<(x: number, len: number) => number>();
    expectTypeOf<Parameters<Kernels["f32_gemm"]>["length"]>().toEqualTypeOf<14>();
    expect([add.returns, sum.returns]).toEqual([false, true]);
  });

  it("takes a split of its own arguments alone, or a decision against one", () => {
    kernel(["xPtr", "len"], dense({ xPtr: 4 }, 1));
    // @ts-expect-error: no argument of that name
    kernel(["xPtr", "len"], dense({ yPtr: 4 }, 1));
    // @ts-expect-error: no argument of that name
    kernel(["xPtr", "len"], { kind: "range", count: "length", time: 1 });
    // @ts-expect-error: no field of that name
    kernel(["xPtr", "len"], { kind: "range", count: "len", time: [1, "width"] });
    // @ts-expect-error: neither a split nor null
    kernel(["xPtr", "len"]);
  });
});

describe("the ABI", () => {
  const lines = Object.entries(ABI) as [string, { names: readonly string[]; split: Splits | null }][];

  it("names each argument of a kernel once, and no more than threads can hand over", () => {
    for (const [name, { names }] of lines) {
      expect(new Set(names).size, name).toBe(names.length);
      expect(names.length, name).toBeLessThanOrEqual(MAX_ARGUMENTS);
    }
  });

  it("leaves few kernels to one thread", () => {
    const alone = lines.filter(([, { split }]) => split === null).map(([name]) => name);
    expect(alone.sort()).toEqual([
      ...["f32_index_add", "i32_residual_codes", "i8_bits", "i8_dot_f32", "i8_lut_pack", "i8_quad_pack"],
      ...["u8_histogram", "u8_max", "u8_maxpool_codes"],
    ]);
  });
});
