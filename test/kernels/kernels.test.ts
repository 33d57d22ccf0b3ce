/** @file Every kernel of the ABI against its TypeScript twin. */
import { describe, expect, it } from "vitest";
import { checks } from "./cases.js";
import { source, twin } from "./harness.js";

describe("WebAssembly kernels against their twins", () => {
  for (const [name, check] of Object.entries(checks)) it(name, check);
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
