/**
 * @file Arguments that are nothing like what a door asks for: errors of the library, always; bytes of other realms are
 * bytes.
 */
import vm from "node:vm";
import { describe, expect, it } from "vitest";
import { CoarsegradError } from "../../src/core/errors.js";
import * as io from "../../src/io/index.js";

const circular: Record<string, unknown> = {};
circular.self = circular;
const HOSTILE: unknown[] = [
  ...[undefined, null, true, 0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 5n, "", "text", Symbol("s")],
  ...[[], [1, 2], [[1]], {}, circular, { length: 5 }, { length: -1 }, new Date(Number.NaN), /x/, new Map(), () => 1],
  ...[new Float32Array(3), new BigInt64Array(2), new Uint16Array(2), new Uint8Array(3), new ArrayBuffer(2)],
  ...[new DataView(new ArrayBuffer(1)), Object.create(null), new Proxy({}, {}), class {}, Promise.resolve()],
  ...[[undefined], [{ name: 1, shape: [1], data: new Uint8Array(1) }], [{ name: "a", shape: null, data: null }]],
];
const functions = Object.entries(io).filter(([, value]) => typeof value === "function") as [
  string,
  (...args: unknown[]) => unknown,
][];

describe.each(functions)("%s", (_, call) => {
  it("gives a value or an error of the library", () => {
    const attempt = (...args: unknown[]) => {
      try {
        call(...args);
      } catch (error) {
        if (!(error instanceof CoarsegradError)) throw new Error(`raw: ${(error as Error).stack}`);
        expect(error.message.length).toBeLessThan(5000);
      }
    };
    attempt();
    for (const first of HOSTILE) {
      attempt(first);
      for (const second of HOSTILE) attempt(first, second);
    }
  });
});

it("bytes and elements of another realm, and bytes in other views, are taken", () => {
  const bytes = io.writeNpy([2], Float32Array.of(1, 2));
  const list = `[${[...bytes]}]`;
  for (const text of [
    `Uint8Array.from(${list})`,
    `Uint8Array.from(${list}).buffer`,
    `new DataView(Uint8Array.from(${list}).buffer)`,
  ]) {
    expect([...io.readNpy(vm.runInNewContext(text)).data]).toEqual([1, 2]);
  }
  expect([...io.readNpy(bytes.slice().buffer as unknown as Uint8Array).data]).toEqual([1, 2]);
  const foreign = vm.runInNewContext("Float32Array.of(1, 2)");
  expect(io.writeNpy([2], foreign)).toEqual(bytes);
  expect(
    io.readSafetensors(io.writeSafetensors([{ name: "a", shape: [2], data: foreign }])).tensors.get("a")?.dtype,
  ).toBe("F32");
  expect(io.readIdx(io.writeIdx([2], foreign)).data).toEqual(Float32Array.of(1, 2));
});
it("writers refuse shapes, elements and names that do not belong together", () => {
  expect(() => io.writeNpy([2], [1, 2] as never)).toThrow(/writeNpy: bad data; expected .*got a list of 2/);
  expect(() => io.writeNpy([2], new DataView(new ArrayBuffer(2)) as never)).toThrow(/writeNpy: bad data/);
  // What is written is read.
  expect(io.readNpy(io.writeNpy([2], Uint16Array.of(7, 65535))).data).toEqual(Uint16Array.of(7, 65535));
  expect(() => io.writeNpy([-1], new Uint8Array(1))).toThrow(/writeNpy: shape does not fit/);
  expect(() => io.writeNpy(["1"] as never, new Uint8Array(1))).toThrow(/writeNpy: bad shape/);
  expect(() => io.writeIdx([1.5], new Uint8Array(1))).toThrow(/writeIdx: bad shape/);
  expect(() => io.writeSafetensors([], { a: 1 } as never)).toThrow(/metadata "a"; expected a string, got 1/);
  expect(() => io.writeSafetensors([{ name: 5, shape: [], data: new Uint8Array(1) }] as never)).toThrow(/bad name/);
});
