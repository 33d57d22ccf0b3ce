/** @file The module: current, self-contained, and alive across growth of the heap. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { MemoryError } from "../../src/core/errors.js";
import { ALL_KERNELS } from "../../src/kernels/all.js";
import { RUNTIME_KERNELS } from "../../src/kernels/runtime.js";
import { instantiateKernels, relaxIntegers, wasmAvailable } from "../../src/kernels/wasm.js";
import { Heap } from "../../src/memory/heap.js";

const compile = (source = ALL_KERNELS): WebAssembly.Module => new WebAssembly.Module(source.bytes());
const root = fileURLToPath(new URL("../..", import.meta.url));

describe("the kernel module", () => {
  it("is what assembly/ compiles to", () => {
    const run = spawnSync(process.execPath, ["scripts/build-wasm.mjs", "--check"], { cwd: root, encoding: "utf8" });
    expect(run.stderr).toBe("");
    expect(run.status).toBe(0);
  }, 240_000); // four compilations

  it("imports memory and nothing else, and brings no data of its own", () => {
    expect(wasmAvailable()).toBe(true);
    const module = compile();
    expect(WebAssembly.Module.imports(module)).toEqual([{ module: "env", name: "memory", kind: "memory" }]);
    const memory = new WebAssembly.Memory({ initial: 1 });
    new Uint8Array(memory.buffer).fill(7);
    new WebAssembly.Instance(module, { env: { memory } });
    expect(new Uint8Array(memory.buffer).every((byte) => byte === 7)).toBe(true);
  });

  it("has a part for the packed runtime, on which each kernel has its twin", () => {
    const names = (module: WebAssembly.Module): string[] => WebAssembly.Module.exports(module).map(({ name }) => name);
    const [all, part] = [names(compile()), names(compile(RUNTIME_KERNELS))];
    expect(all).toEqual(expect.arrayContaining(part));
    expect(part.length).toBeLessThan(all.length / 2);
    expect(Object.keys(RUNTIME_KERNELS.reference(new Heap({ wasm: false }), "f32"))).toEqual(
      expect.arrayContaining(part),
    );
  });

  it.each([
    ["all kernels", ALL_KERNELS, ["80 02", "92 02"]],
    ["the runtime's", RUNTIME_KERNELS, ["80 02"]],
  ])("leaves room for relaxed SIMD in %s: it is valid without, and changes nowhere else", (_, source, codes) => {
    const [plain, relaxed] = [source.bytes(), relaxIntegers(source.bytes())];
    expect(WebAssembly.validate(plain)).toBe(true);
    const hex = (bytes: Uint8Array): string[] => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"));
    const [before, after] = [hex(plain), hex(relaxed)];
    const changed = after.flatMap((byte, i) => (byte === before[i] ? [] : [i]));
    const pairs = changed.filter((i) => before[i - 1] === "fd").map((i) => after.slice(i, i + 2).join(" "));
    expect(pairs.length * 2).toBe(changed.length);
    expect([...new Set(pairs)].sort()).toEqual(codes);
  });

  it("gives a fresh copy of its bytes each time", () => {
    const bytes = ALL_KERNELS.bytes();
    bytes.fill(0);
    expect(WebAssembly.validate(ALL_KERNELS.bytes())).toBe(true);
  });

  it("sees a heap that has grown", () => {
    const heap = new Heap({ wasm: true });
    const kernels = instantiateKernels(heap, compile());
    heap.ensure(1 << 20);
    kernels.f32_fill((1 << 20) - 64, 5, 1.5);
    expect(Array.from(heap.f32((1 << 20) - 64, 6))).toEqual([1.5, 1.5, 1.5, 1.5, 1.5, 0]);
  });

  it("refuses a heap that is not WebAssembly memory", () => {
    expect(() => instantiateKernels(new Heap({ wasm: false }), compile())).toThrow(MemoryError);
  });
});
