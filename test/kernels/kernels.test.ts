/** @file Every kernel of the ABI against its TypeScript twin. */
import { describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { ABI, type KernelName } from "../../src/kernels/abi.js";
import { GRAIN, type Rule } from "../../src/kernels/threads/chunks.js";
import { grid } from "../../src/kernels/threads/grids.js";
import { ruleOf } from "../../src/kernels/threads/rules.js";
import { checks } from "./cases.js";
import { heap, source, twin, wasm } from "./harness.js";
import { crewOf, split, THREADS } from "./parts.js";

describe("WebAssembly kernels against their twins", () => {
  for (const [name, check] of Object.entries(checks)) it(name, check);
});

describe("threads", () => {
  const names = Object.keys(ABI) as KernelName[];

  it("share every kernel that has a split: the checks above saw each of them in parts", () => {
    const unseen = names.filter((name) => ABI[name].split !== null && !name.endsWith("_work") && !split.has(name));
    expect(unseen).toEqual([]);
  });

  it("have a workspace each, as large as the kernel's", () => {
    const fields = Int32Array.of(3, 10, 10, 16, 3, 3, 1, 1, 1, 1, 1, 1, 10, 10, 16);
    const values: Record<string, number> = { geomPtr: 64, filters: 20, channels: 37, M: 128, N: 512, K: 900 };
    const works = names.filter((name) => name.endsWith("_work"));
    expect(works.length).toBeGreaterThan(7);
    for (const name of works) {
      heap.i32(64, 15).set(fields);
      const args = ABI[name].names.map((argument) => values[argument]);
      const crew = crewOf(wasm, 1024, () => {}, GRAIN);
      const whole = (wasm[name] as (...args: number[]) => number)(...args);
      expect((ruleOf(name) as Rule)(args, crew), name).toBeGreaterThanOrEqual(THREADS * whole);
    }
  });

  it("leave small problems to the calling one, and share large ones", () => {
    const rows = { f32_add: [64, 64, 64], f32_sum_squares: [64] };
    let parts = 0;
    const counted = (count: number) => {
      parts += count;
    };
    const run = (name: keyof typeof rows, length: number) => {
      heap.ensure(1 << 22);
      const crew = crewOf(wasm, 1 << 22, counted, GRAIN);
      const lengths = name === "f32_add" ? [length, length, length] : [length];
      return (ruleOf(name) as Rule)([...rows[name], ...lengths], crew);
    };
    expect(run("f32_add", 1000)).toBeNull();
    expect(run("f32_sum_squares", 1000)).toBeNull();
    expect(parts).toBe(0);
    expect(run("f32_add", 200_000)).toBeUndefined();
    expect(parts).toBeGreaterThan(3);
    expect(run("f32_sum_squares", 200_000)).not.toBeNull();
  });

  it("share a product in chunks that tile it, for any extents", () => {
    const rng = new Rng("grid");
    for (let i = 0; i < 2000; i++) {
      const [M, N, K] = [1 + rng.int(3000), 1 + rng.int(3000), 1 + rng.int(3000)];
      const chunks = grid(M, N, K);
      if (chunks === null) continue;
      expect(chunks.rows >= M || chunks.rows % 5 === 0, `${M} ${N} ${K}`).toBe(true);
      expect(chunks.columns >= N || chunks.columns % 8 === 0, `${M} ${N} ${K}`).toBe(true);
      expect(Math.ceil(M / chunks.rows) * Math.ceil(N / chunks.columns)).toBeGreaterThan(1);
    }
    expect(grid(10, 10, 10)).toBeNull();
  });
});

describe("completeness", () => {
  const names = Object.keys(checks).sort();
  it("the module exports exactly the kernels of the ABI", () => {
    const exported = WebAssembly.Module.exports(source).map((entry) => entry.name);
    expect(exported.sort()).toEqual(names);
  });
  it("every kernel has a twin", () => {
    expect(Object.keys(twin).sort()).toEqual(names);
  });
});
