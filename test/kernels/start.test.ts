/** @file Whatever is asked first starts the default engine. */
import { beforeEach, describe, expect, it, vi } from "vitest";
import type * as Library from "../../src/index.js";
import { relaxedAvailable } from "../../src/kernels/wasm.js";

describe("the first call", () => {
  let library: typeof Library;
  beforeEach(async () => {
    vi.resetModules();
    library = await import("../../src/index.js");
  });

  it("may ask for the threads", () => {
    expect(library.threads()).toBe(1);
  });
  it("may ask for the variant", () => {
    expect(library.variant()).toBe(relaxedAvailable() ? "relaxed-integers" : "simd");
  });
  it("may ask for the backend", () => {
    expect(library.backend()).toBe("wasm");
  });
  it("may ask for the memory in use", () => {
    expect(library.memory()).toMatchObject({ arrays: 0, bytes: 0 });
  });

  it("may be repeated in the same words while arrays live, and in no others", async () => {
    const { init, scope, zeros, ScopeError } = library;
    expect(init({ backend: "reference" })).toBe("reference");
    const kept = zeros([2]);
    expect(init({ backend: "reference" })).toBe("reference");
    expect(kept.toArray()).toEqual([0, 0]);
    expect(() => init()).toThrow(ScopeError);
    expect(() => init({ backend: "auto" })).toThrow(ScopeError);
    kept.dispose();
    // Two handlers that begin at once: the second finds what the first started.
    const requests = [1, 2].map(async () => {
      await init({ threads: 2 });
      const array = zeros([3]);
      await new Promise((resolve) => setTimeout(resolve, 20));
      await init({ threads: 2 });
      const sum = scope(() => array.add(1).sum().item());
      return { array, sum };
    });
    const answers = await Promise.all(requests);
    expect(answers.map(({ sum }) => sum)).toEqual([3, 3]);
    expect(library.threads()).toBe(2);
    await expect(init({ threads: 1 })).rejects.toThrow(ScopeError);
    for (const { array } of answers) array.dispose();
    expect(init()).toBe("wasm");
  });

  it.each(["auto", "wasm"] as const)("is refused as memory where addresses are missing, with backend %s", (chosen) => {
    const { Memory } = WebAssembly;
    WebAssembly.Memory = class {
      constructor() {
        throw new RangeError("could not allocate memory");
      }
    } as unknown as typeof Memory;
    const warn = vi.spyOn(console, "warn");
    try {
      expect(() => library.init({ backend: chosen })).toThrow(library.MemoryError);
      expect(() => library.zeros([2])).toThrow("memory: WebAssembly memory cannot be reserved");
      expect(warn).not.toHaveBeenCalled();
      expect(library.init({ backend: "reference" })).toBe("reference");
    } finally {
      WebAssembly.Memory = Memory;
      warn.mockRestore();
    }
  });
});
