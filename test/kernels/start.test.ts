/** @file Whatever is asked first starts the default engine. */
import { beforeEach, describe, expect, it, vi } from "vitest";
import type * as Library from "../../src/index.js";

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
    expect(library.variant()).toBe("simd");
  });
  it("may ask for the backend", () => {
    expect(library.backend()).toBe("wasm");
  });
  it("may ask for the memory in use", () => {
    expect(library.memory()).toMatchObject({ arrays: 0, bytes: 0 });
  });
});
