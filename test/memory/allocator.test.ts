import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ALIGNMENT, Allocator, Heap, OVER_READ, sizeClass } from "../../src/memory/index.js";

describe("sizeClass", () => {
  it("holds the request and its over-read, is aligned, and wastes at most a quarter", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 30 }), (bytes) => {
        const size = sizeClass(bytes);
        expect(size).toBeGreaterThanOrEqual(bytes + OVER_READ);
        expect(size % ALIGNMENT).toBe(0);
        if (bytes > 4 * ALIGNMENT) expect(size).toBeLessThanOrEqual((bytes + OVER_READ) * 1.25 + ALIGNMENT);
      }),
    );
  });
  it("never shrinks as the request grows", () => {
    for (let bytes = 0; bytes < 5000; bytes++) expect(sizeClass(bytes + 1)).toBeGreaterThanOrEqual(sizeClass(bytes));
  });
});

describe.each([true, false])("Allocator (wasm memory: %s)", (wasm) => {
  it("gives live blocks that never overlap, and keeps count, under random use", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(100_000)), { maxLength: 60 }), (steps) => {
        const heap = new Heap({ wasm });
        const allocator = new Allocator(heap);
        const live: { ptr: number; bytes: number; mark: number }[] = [];
        steps.forEach(([free, number], mark) => {
          if (free && live.length > 0) {
            const [block] = live.splice(number % live.length, 1);
            allocator.free(block.ptr, block.bytes);
          } else {
            const ptr = allocator.allocate(number);
            expect(ptr).toBeGreaterThan(0);
            expect(ptr % ALIGNMENT).toBe(0);
            expect(ptr + number + OVER_READ).toBeLessThanOrEqual(heap.byteLength);
            heap.u8(ptr, number).fill(mark);
            live.push({ ptr, bytes: number, mark });
          }
        });
        for (const { ptr, bytes, mark } of live) expect(heap.u8(ptr, bytes).every((byte) => byte === mark)).toBe(true);
        expect(allocator.liveBytes).toBe(live.reduce((sum, block) => sum + sizeClass(block.bytes), 0));
        expect(allocator.peakBytes).toBeGreaterThanOrEqual(allocator.liveBytes);
      }),
      { numRuns: 40 },
    );
  });
  it("reuses freed blocks instead of growing", () => {
    const allocator = new Allocator(new Heap({ wasm }));
    allocator.free(allocator.allocate(1000), 1000);
    const reserved = allocator.reservedBytes;
    for (let i = 0; i < 100; i++) allocator.free(allocator.allocate(1000), 1000);
    expect(allocator.reservedBytes).toBe(reserved);
  });
  it("keeps contents when the heap grows", () => {
    const heap = new Heap({ wasm });
    const allocator = new Allocator(heap);
    const ptr = allocator.allocate(16);
    heap.f32(ptr, 4).set([1, 2, 3, 4]);
    allocator.allocate(8 * 2 ** 20);
    expect([...heap.f32(ptr, 4)]).toEqual([1, 2, 3, 4]);
  });
});

describe("Heap", () => {
  it("refuses to grow past its maximum with a typed error, and stays usable", () => {
    const heap = new Heap({ wasm: true, maximumBytes: 2 * 65536 });
    const allocator = new Allocator(heap);
    const ptr = allocator.allocate(100);
    expect(() => allocator.allocate(10 * 65536)).toThrow(/memory: the heap cannot grow; expected \d+ bytes/);
    heap.u8(ptr, 100).fill(7);
    expect(allocator.allocate(100)).toBeGreaterThan(ptr);
  });
});
