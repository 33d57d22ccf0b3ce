/** @file Headers made to stop or flood a reader: each is refused at once, by file and key, with little of it quoted. */
import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/core/errors.js";
import { parsePlan } from "../../src/format/schema.js";
import { readNpy, readSafetensors } from "../../src/io/index.js";
import { jsonText, readJson } from "../../src/io/json.js";
import { parseNpyHeader } from "../../src/io/npy-header.js";
import { refusal } from "./malformed.js";

function npyOf(header: string): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(12 + text.length);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 2, 0]);
  new DataView(bytes.buffer).setUint32(8, text.length, true);
  bytes.set(text, 12);
  return bytes;
}
function safeOf(header: string): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}
const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
const MEGA = "k".repeat(16_000_000);

describe("a .npy header", () => {
  const head = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  // Cubic for expressions with three stars side by side: minutes at this length.
  it.each([" ", "1,", "1 ", "\t\n", "1L ,", "(", "'", "{", "'descr':"])(
    "with %j repeated is refused at once",
    (piece) => {
      for (const tail of ["x}", ")x", "", "}"]) {
        expect(refusal(readNpy, npyOf(head + piece.repeat(60_000 / piece.length) + tail))).toMatch(
          /header not understood/,
        );
        expect(refusal(readNpy, npyOf(piece.repeat(60_000 / piece.length) + tail))).toMatch(/header not understood/);
      }
    },
  );
  it("longer than any writer makes is refused as a limit", () => {
    expect(refusal(readNpy, npyOf(`${head}2,), }${" ".repeat(70_000)}`))).toMatch(
      /header too long; expected at most 65535/,
    );
  });
  it.each<[string, number[]]>([
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }\n", [3, 4]],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': ()}", []],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (3L, 4L), }", [3, 4]],
    [`{"shape":(7,),"descr":"<f4","fortran_order":False}`, [7]],
    ["{ 'shape' : ( 5 , ) , 'fortran_order' : False , 'descr' : '<f4' }  \n", [5]],
  ])("%j is read", (text, shape) => {
    expect(parseNpyHeader(text)).toEqual({ order: "<", descr: "f4", fortran: false, shape });
  });
  it("of records is understood, and its values are refused by name", () => {
    const text = "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,)}";
    expect(parseNpyHeader(text)).toMatchObject({ descr: "records", shape: [3] });
    expect(refusal(readNpy, npyOf(text))).toMatch(/records/);
  });
  it.each([
    "{'descr': '<f4', 'descr': '<f4', 'shape': (3,)}",
    "{'descr': '<f4', 'fortran_order': False}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'more': 1}",
    "{'descr': '<f4\", 'fortran_order': False, 'shape': (3,)}",
    "{'descr': '<f4', 'fortran_order': Falsely, 'shape': (3,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)} x",
    "{'descr': 'f4', 'fortran_order': False, 'shape': (3,)}",
  ])("%j is not", (text) => {
    expect(parseNpyHeader(text)).toBeNull();
  });
});

describe("JSON", () => {
  it("nested too deep is refused with its key, in every place of a safetensors header", () => {
    const places = [
      (value: string) => `{"conv1.weight":${value}}`,
      (value: string) => `{"conv1.weight":{"dtype":${value},"shape":[],"data_offsets":[0,0]}}`,
      (value: string) => `{"conv1.weight":{"dtype":"F32","shape":${value},"data_offsets":[0,0]}}`,
      (value: string) => `{"__metadata__":{"conv1.weight":${value}}}`,
    ];
    for (const place of places) {
      expect(refusal(readSafetensors, safeOf(place(nested(10_000))))).toMatch(/nested too deep at .*conv1\.weight/);
      expect(refusal(readSafetensors, safeOf(place('{"a":'.repeat(10_000))))).toMatch(
        /nested too deep at .*conv1\.weight/,
      );
      // Below the limit it is judged for what it is.
      expect(refusal(readSafetensors, safeOf(place(nested(50))))).toMatch(/conv1\.weight/);
    }
  });
  it("of a plan is refused with file and key", () => {
    const plan = `{"input":{},"nodes":[{"op":${nested(10_000)}}],"output":"a"}`;
    expect(() => parsePlan(plan, "x.cgm")).toThrow(/^x\.cgm: plan: nested too deep at nodes\.op/);
  });
  it("with millions of values is refused before it is parsed", () => {
    expect(() => readJson(`[${"[],".repeat(3_000_000)}0]`, "x.json", "")).toThrow(/^x\.json: too many values/);
    expect(readJson(`[${"[],".repeat(100_000)}0]`, "x.json", "")).toHaveLength(100_001);
  });
  it("keys and texts of megabytes are values, or quoted in part", () => {
    const tensor = '{"dtype":"U8","shape":[0],"data_offsets":[0,0]}';
    expect([...readSafetensors(safeOf(`{"${MEGA}":${tensor}}`)).tensors.keys()]).toEqual([MEGA]);
    expect(readSafetensors(safeOf(`{"__metadata__":{"a":"${MEGA}"}}`)).metadata.a).toHaveLength(MEGA.length);
    const refused = [
      `{"${MEGA}":${tensor},"${MEGA}":${tensor}}`,
      `{"${MEGA}":1}`,
      `{"${MEGA}":{"dtype":"${MEGA}","shape":[0],"data_offsets":[0,0]}}`,
      `{"a":{"${MEGA}":1}}`,
      `{"__metadata__":{"${MEGA}":1}}`,
      `{"__metadata__":["${MEGA}"]}`,
      `{"a":"${MEGA}`,
      `{"a":"${"\\".repeat(16_000_000)}`,
      `{"a${'\\"'.repeat(1_000_000)}":1}`,
    ];
    for (const header of refused) expect(refusal(readSafetensors, safeOf(header)).length).toBeLessThan(1000);
  });
  it("names what is wrong before what it quotes", () => {
    expect(() => readJson(`{"a":1,"a":2}`, "x", "plan")).toThrow('x: plan: key "a" occurs twice');
    expect(() => readJson(`{"a\\u0062":1,"ab":2}`, "x", "")).toThrow('x: key "ab" occurs twice');
    expect(() => readJson("{", "x", "plan")).toThrow(FormatError);
  });
});

it("values in messages are cut, however deep or long", () => {
  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i++) deep = i % 2 === 0 ? [deep] : { a: deep };
  for (const value of [deep, MEGA, [MEGA, MEGA], { [MEGA]: MEGA }, Array(1e6).fill(0)]) {
    expect(jsonText(value, 60).length).toBeLessThanOrEqual(61);
  }
  for (const value of [undefined, null, 1, "a", [1, "b", null], { a: { b: [] } }]) {
    expect(jsonText(value)).toBe(value === undefined ? "nothing" : JSON.stringify(value));
  }
});
