import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MemoryError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { ALIGNMENT, Allocator, blockBytes, Heap, OVER_READ } from "../../src/memory/index.js";

const MiB = 2 ** 20;

describe("blockBytes", () => {
  it("is the request up to the next cache line, and never nothing", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 128 }), (bytes) => {
        const size = blockBytes(bytes);
        expect(size % ALIGNMENT).toBe(0);
        expect(size).toBeGreaterThan(0);
        expect(size).toBeGreaterThanOrEqual(bytes);
        if (bytes > 0) expect(size - bytes).toBeLessThan(ALIGNMENT);
      }),
    );
  });
  it("of a power of two is that power", () => {
    for (let k = 6; k < 32; k++) expect(blockBytes(2 ** k)).toBe(2 ** k);
  });
});

/** A heap of bytes that are not there: what an allocator asks of it, without the memory. */
function imagined(maximumBytes = 2 ** 32): Heap {
  const heap = {
    byteLength: 65536,
    maximumBytes,
    ensure(bytes: number) {
      if (bytes > maximumBytes) throw new MemoryError({ op: "memory", what: "imagined" });
      heap.byteLength = Math.max(heap.byteLength, bytes);
    },
  };
  return heap as unknown as Heap;
}

interface Held {
  readonly ptr: number;
  readonly bytes: number;
}

/** What a list of blocks in use says about the heap: its end, and the free stretches between them. */
function modelOf(held: readonly Held[]): { end: number; gaps: number[] } {
  let end = ALIGNMENT;
  const gaps: number[] = [];
  for (const { ptr, bytes } of [...held].sort((a, b) => a.ptr - b.ptr)) {
    expect(ptr, "a block begins inside the one before").toBeGreaterThanOrEqual(end);
    if (ptr > end) gaps.push(ptr - end);
    end = ptr + Math.max(1, Math.ceil(bytes / 64)) * 64;
  }
  return { end, gaps };
}

describe("Allocator against a list of blocks", () => {
  const request = fc.oneof(
    fc.nat(300),
    fc.nat(100_000),
    fc.nat(2 ** 28),
    fc.integer({ min: 0, max: 28 }).map((k) => 2 ** k),
    fc.integer({ min: 6, max: 28 }).map((k) => 2 ** k + 1),
  );
  const step = fc.record({ free: fc.boolean(), pick: fc.nat(1000), bytes: request });

  it("gives aligned blocks that do not overlap, out of the tightest gaps, merges neighbours and keeps count", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const heap = imagined();
        const allocator = new Allocator(heap);
        const held: Held[] = [];
        let peak = 0;
        for (const { free, pick, bytes } of steps) {
          if (free && held.length > 0) {
            const [block] = held.splice(pick % held.length, 1);
            allocator.free(block.ptr, block.bytes);
          } else if (held.reduce((sum, block) => sum + block.bytes, 0) < 2 ** 30) {
            const before = modelOf(held);
            const fitting = before.gaps.some((gap) => gap >= bytes);
            const ptr = allocator.allocate(bytes);
            expect(ptr % ALIGNMENT).toBe(0);
            expect(ptr).toBeGreaterThan(0);
            expect(ptr + bytes + OVER_READ).toBeLessThanOrEqual(heap.byteLength);
            // Where any gap is long enough, none is made: free neighbours are one piece, and every piece can be had.
            if (fitting) expect(ptr).toBeLessThan(before.end);
            else expect(ptr).toBe(before.end);
            held.push({ ptr, bytes });
          }
          const live = held.reduce((sum, block) => sum + Math.max(1, Math.ceil(block.bytes / 64)) * 64, 0);
          peak = Math.max(peak, live);
          expect(allocator.liveBytes).toBe(live);
          expect(allocator.peakBytes).toBe(peak);
          expect(allocator.reservedBytes).toBe(modelOf(held).end);
        }
        for (const { ptr, bytes } of held) allocator.free(ptr, bytes);
        expect(allocator.liveBytes).toBe(0);
        expect(allocator.reservedBytes).toBe(ALIGNMENT);
      }),
      { numRuns: 300 },
    );
  });

  it("gives the same addresses for the same requests", () => {
    const addresses = [1, 2].map(() => {
      const [allocator, rng] = [new Allocator(imagined()), new Rng("addresses")];
      const held: Held[] = [];
      return Array.from({ length: 2000 }, () => {
        if (held.length > 0 && rng.bool(0.45)) {
          const [{ ptr, bytes }] = held.splice(rng.int(held.length), 1);
          allocator.free(ptr, bytes);
          return 0;
        }
        const bytes = rng.int(2 ** rng.int(20));
        held.push({ ptr: allocator.allocate(bytes), bytes });
        return held[held.length - 1].ptr;
      });
    });
    expect(addresses[0]).toEqual(addresses[1]);
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
        expect(allocator.liveBytes).toBe(live.reduce((sum, block) => sum + blockBytes(block.bytes), 0));
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

/** Bytes of the arrays that a training step of a plain network of 3 × 3 convolutions makes, in order. */
function* arraysOf(widths: readonly number[], batch: number, image: number): Iterable<number> {
  let [channels, side] = [3, image];
  for (const width of widths) {
    yield 4 * batch * side * side * channels; // a copy of the input
    yield 4 * width * channels * 9; // packed weights
    yield 4 * batch * side * side * width; // sums
    yield 4 * width; // batch mean
    yield 4 * width; // batch variance
    yield batch * side * side * width; // codes
    [channels, side] = [width, Math.max(1, side >> 1)];
  }
  yield 4 * batch * channels;
  yield 4;
}

describe("a heap under workloads of networks", () => {
  it.each([
    ["narrow", [16, 32, 64]],
    ["VGG-like", [64, 128, 256, 256, 512]],
  ])("stays under twice what lived at most in 10,000 steps of random batches and images: %s", (_, widths) => {
    const [heap, rng] = [imagined(), new Rng("workload")];
    const allocator = new Allocator(heap);
    const allocate = (bytes: number): Held => ({ ptr: allocator.allocate(bytes), bytes });
    const free = ({ ptr, bytes }: Held): void => allocator.free(ptr, bytes);
    const parameters = widths.map((width, i) => allocate(4 * width * (widths[i - 1] ?? 3) * 9));
    const momenta: Held[] = [];
    let batchAhead: Held | null = null;
    let kept: Held[] = [];
    for (let step = 0; step < 10_000; step++) {
      const [batch, image] = [1 + rng.int(64), 8 + rng.int(57)];
      if (batchAhead !== null) free(batchAhead);
      batchAhead = allocate(4 * batch * image * image * 3); // of the next step, as a loader keeps it
      const saved: Held[] = [];
      for (const bytes of arraysOf(widths, batch, image)) {
        const scratch = allocate(rng.int(4096));
        saved.push(allocate(bytes));
        free(scratch);
      }
      // Backward: a gradient for each saved array, which goes as soon as the one before is there.
      let gradient = allocate(4);
      for (const array of saved.reverse()) {
        const next = allocate(array.bytes);
        free(gradient);
        free(array);
        gradient = next;
      }
      free(gradient);
      if (step === 0) momenta.push(...parameters.map(({ bytes }) => allocate(bytes)));
      // Something small outlives some steps: a loss that is looked at later, a running figure.
      kept.push(allocate(4 * (1 + rng.int(100))));
      if (kept.length > 20) {
        kept.slice(0, 10).forEach(free);
        kept = kept.slice(10);
      }
    }
    expect(heap.byteLength).toBeLessThan(2 * allocator.peakBytes); // the furthest that its end ever was
    for (const held of [...parameters, ...momenta, ...kept, batchAhead as Held]) free(held);
    expect(allocator.reservedBytes).toBe(ALIGNMENT);
  });

  it("serves arrays of growing size, one at a time, where the largest fits", () => {
    const allocator = new Allocator(imagined());
    for (const size of [300, 420, 520, 620, 740, 860, 1000, 4000]) {
      allocator.free(allocator.allocate(size * MiB), size * MiB);
    }
    expect(allocator.peakBytes).toBe(4000 * MiB);
    expect(allocator.reservedBytes).toBe(ALIGNMENT);
  });

  it("serves sizes that grow while others of their kind live", () => {
    const heap = imagined();
    const allocator = new Allocator(heap);
    let held: Held[] = [];
    for (let size = MiB; size < 200 * MiB; size = Math.ceil(size * 1.07)) {
      const next = [size, size / 2, size / 4].map((bytes) => ({ ptr: allocator.allocate(bytes), bytes }));
      for (const { ptr, bytes } of held) allocator.free(ptr, bytes);
      held = next;
    }
    expect(heap.byteLength).toBeLessThan(2 * allocator.peakBytes);
  });
});

describe("blocks that are freed wrongly", () => {
  const setUp = () => {
    const allocator = new Allocator(imagined());
    return { allocator, ptrs: [100, 200, 300].map((bytes) => allocator.allocate(bytes)) };
  };
  it("twice", () => {
    const { allocator, ptrs } = setUp();
    allocator.free(ptrs[1], 200);
    expect(() => allocator.free(ptrs[1], 200)).toThrow(/^internal: memory: 200 bytes freed at \d+, .* no block in use/);
    allocator.free(ptrs[0], 100); // merges with its neighbour: no block begins there any more
    expect(() => allocator.free(ptrs[1], 200)).toThrow(/^internal: memory/);
    expect(allocator.liveBytes).toBe(blockBytes(300));
  });
  it("at an address inside a block, or between blocks", () => {
    const { allocator, ptrs } = setUp();
    for (const ptr of [0, ptrs[1] + 64, ptrs[1] + 1, 2 ** 31, -64, Number.NaN]) {
      expect(() => allocator.free(ptr, 200)).toThrow(/^internal: memory/);
    }
    expect(allocator.liveBytes).toBe(blockBytes(100) + blockBytes(200) + blockBytes(300));
  });
  it("with another size than they were made with", () => {
    const { allocator, ptrs } = setUp();
    expect(() => allocator.free(ptrs[1], 300)).toThrow(
      "internal: memory: 300 bytes freed at 192, where there is a block of 256 bytes",
    );
    allocator.free(ptrs[1], 200);
  });
});

describe("Heap", () => {
  it("refuses to grow past its maximum with a typed error, and stays usable", () => {
    const heap = new Heap({ wasm: true, maximumBytes: 2 * 65536 });
    const allocator = new Allocator(heap);
    const ptr = allocator.allocate(100);
    expect(() => allocator.allocate(10 * 65536)).toThrow(MemoryError);
    heap.u8(ptr, 100).fill(7);
    expect(allocator.allocate(100)).toBeGreaterThan(ptr);
  });

  it("grows to its very maximum where growing ahead would pass it", () => {
    for (const wasm of [true, false]) {
      const heap = new Heap({ wasm, initialBytes: 100 * 65536, maximumBytes: 110 * 65536 });
      heap.ensure(109 * 65536 + 1);
      expect(heap.byteLength).toBe(110 * 65536);
      expect(() => heap.ensure(110 * 65536 + 1)).toThrow(/memory: the heap cannot grow; expected \d+ bytes/);
      expect(heap.byteLength).toBe(110 * 65536);
    }
  });
  it("grows by what is needed where the engine has no more than that", () => {
    const heap = new Heap({ wasm: true, initialBytes: 100 * 65536, maximumBytes: 200 * 65536 });
    const { memory } = heap;
    const grow = memory!.grow.bind(memory);
    memory!.grow = (pages) => {
      if (pages > 2) throw new RangeError("no more");
      return grow(pages);
    };
    heap.ensure(102 * 65536);
    expect(heap.byteLength).toBe(102 * 65536);
    const allocator = new Allocator(heap);
    const ptr = allocator.allocate(1000);
    expect(() => allocator.allocate(150 * 65536)).toThrow(
      "memory: no room for 9830400 bytes (9 MiB): the heap cannot grow; expected at least as much free in one piece, got 6683520 bytes (6 MiB); " +
        "of 6684672 bytes (6 MiB), 1024 bytes are alive in 1 blocks and 6683520 bytes (6 MiB) free; use smaller batches",
    );
    expect([heap.byteLength, allocator.liveBytes, allocator.reservedBytes]).toEqual([102 * 65536, 1024, 1088]);
    expect(allocator.allocate(1000)).toBe(ptr + 1024);
  });
  it("says what was asked for, what lives and what is free", () => {
    const allocator = new Allocator(imagined());
    allocator.allocate(2 ** 30);
    const hole = allocator.allocate(MiB);
    allocator.allocate(100);
    allocator.free(hole, MiB);
    expect(() => allocator.allocate(3.5 * 2 ** 30)).toThrow(
      "memory: no room for 3758096384 bytes (3.50 GiB); expected at least as much free in one piece, got 3220176640 bytes (3.00 GiB); " +
        "of 4294967296 bytes (4.00 GiB), 1073741952 bytes (1.00 GiB) are alive in 2 blocks and 3221225216 bytes (3.00 GiB) free; ",
    );
    const reserved = allocator.reservedBytes;
    expect(() => allocator.allocate(2 ** 33)).toThrow(MemoryError);
    expect(allocator.reservedBytes).toBe(reserved);
    expect(allocator.allocate(3 * 2 ** 30 - 2 * MiB)).toBe(reserved);
  });
  it("takes fewer addresses where the engine has not so many, and refuses as memory where it has hardly any", () => {
    const { Memory } = WebAssembly;
    const asked: number[] = [];
    let has = 10_000;
    class Scarce {
      constructor({ maximum }: { maximum: number }) {
        asked.push(maximum);
        if (maximum > has) throw new RangeError("could not allocate memory");
      }
    }
    WebAssembly.Memory = Scarce as unknown as typeof Memory;
    try {
      expect(new Heap({ wasm: true }).maximumBytes).toBe(8192 * 65536);
      expect(asked).toEqual([65536, 32768, 16384, 8192]);
      has = 0;
      expect(() => new Heap({ wasm: true })).toThrow(MemoryError);
      expect(() => new Heap({ wasm: true })).toThrow(
        /cannot be reserved; .*got could not allocate memory; raise the limit/,
      );
    } finally {
      WebAssembly.Memory = Memory;
    }
  });
});
