/** @file CSV: every table that can be written is read back; every bad cell is named by file, line and column. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArgumentError, CoarsegradError, DataError, FormatError } from "../../src/core/errors.js";
import { type CsvOptions, exampleDataset, readCsv } from "../../src/data/index.js";
import { Linear } from "../../src/nn/index.js";
import { readCsvFile } from "../../src/node/index.js";
import { Adam } from "../../src/optim/index.js";
import * as training from "../../src/train/index.js";
import { disposeLater } from "../leaks.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A cell as writers write it: quoted where it must be, or for no reason. */
function written(cell: string, delimiter: string, quote: boolean): string {
  const must = quote || cell.includes(delimiter) || /["\r\n]/.test(cell);
  return must ? `"${cell.replaceAll('"', '""')}"` : cell;
}

describe("readCsv", () => {
  it("reads inputs, targets, names and classes", async () => {
    const text = "width,height,kind\n1,2.5,small\n-3e2,+.5,large\n0,4.,small\n";
    expect(await readCsv(text, { target: "kind", classes: true })).toEqual({
      x: { shape: [3, 2], data: Float32Array.of(1, 2.5, -300, 0.5, 0, 4) },
      y: { shape: [3], data: Int32Array.of(1, 0, 1) },
      names: ["width", "height"],
      classes: ["large", "small"],
    });
    const { x, y, names } = await readCsv(text, { target: -1, columns: ["height"], classes: ["small", "large"] });
    expect([x.shape, [...x.data], [...y.data], names]).toEqual([[3, 1], [2.5, 0.5, 4], [0, 1, 0], ["height"]]);
  });
  it("reads numbers as targets, one or several", async () => {
    const text = "a,b,c\n1,2,3\n4,5,6";
    expect((await readCsv(text, { target: "c" })).y).toEqual({ shape: [2], data: Float32Array.of(3, 6) });
    const { x, y, classes } = await readCsv(text, { target: [-1, "a"] });
    expect(y).toEqual({ shape: [2, 2], data: Float32Array.of(3, 1, 6, 4) });
    expect([x.shape, [...x.data], classes]).toEqual([[2, 1], [2, 5], null]);
  });
  it("takes a byte order mark, other delimiters and line ends, decimal commas, blank lines, spaces", async () => {
    const expected = await readCsv("a,b,kind\n1.5,2,x\n3,4,y", { target: "kind", classes: true });
    const same: [string, Partial<CsvOptions>][] = [
      ["\ufeffa,b,kind\n1.5,2,x\n3,4,y\n", {}],
      ["a;b;kind\r\n1.5;2;x\r\n3;4;y\r\n", {}],
      ["a;b;kind\r1,5;2;x\r3;4;y", { decimal: "," }],
      ["a\tb\tkind\n1.5\t2\tx\n3\t4\ty", {}],
      ["\n\na|b|kind\n\n1.5|2|x\n   \n3|4|y\n\n", {}],
      [' a , b , kind \n 1.5 , 2 , x \n"3","4","y"', {}],
      ["a:b:kind\n1.5:2:x\n3:4:y", { delimiter: ":" }],
    ];
    for (const [text, options] of same) {
      expect(await readCsv(text, { target: "kind", classes: true, ...options }), text).toEqual(expected);
      expect(await readCsv(bytes(text), { target: "kind", classes: true, ...options }), text).toEqual(expected);
    }
    expect(await readCsv("1.5,2,x\n3,4,y", { target: 2, classes: true, header: ["a", "b", "kind"] })).toEqual(expected);
    expect((await readCsv("1,2\n3,4", { target: 1, header: false })).names).toEqual(["0"]);
  });
  it("reads files and blobs, and names them in messages", async () => {
    expect((await readCsv(new Blob(["a,b\n1,2"]), { target: "b" })).y.data).toEqual(Float32Array.of(2));
    const shared = new Uint8Array(new SharedArrayBuffer(7));
    shared.set(bytes("a,b\n1,2"));
    expect((await readCsv(shared, { target: "b" })).y.data).toEqual(Float32Array.of(2));
    const file = Object.assign(new Blob(["a,b\n1,x"]), { name: "day.csv" });
    await expect(readCsv(file, { target: "b" })).rejects.toThrow(/^day\.csv: line 2, column 2 \(b\): no number/);
    await expect(readCsv(Uint8Array.of(97, 0xff), { target: 0, name: "latin" })).rejects.toThrow("latin: not UTF-8");
  });
  it("leaves out or fills rows that lack an input", async () => {
    const text = "a,b,t\n1,,5\n2,3,6\n,4,7";
    expect(await readCsv(text, { target: "t", missing: "skip" })).toMatchObject({
      x: { shape: [1, 2], data: Float32Array.of(2, 3) },
      y: { data: Float32Array.of(6) },
    });
    expect([...(await readCsv(text, { target: "t", missing: -1 })).x.data]).toEqual([1, -1, 2, 3, -1, 4]);
    await expect(readCsv("a,t\n,1", { target: "t", missing: "skip" })).rejects.toThrow(
      "csv: every record lacks a cell",
    );
    await expect(readCsv("a,t\n1,", { target: "t", missing: 0 })).rejects.toThrow("line 2, column 2 (t): no target");
  });

  it.each([
    [
      "no number",
      "a,b\n1,2\n3,x4",
      { target: "a" },
      'csv: line 3, column 2 (b): no number; expected a number, got "x4"',
    ],
    [
      "an empty cell",
      "a,b\n,2",
      { target: "b" },
      "csv: line 2, column 1 (a): no number; expected a number, got an empty cell",
    ],
    ["no target", "a,b\n1,2\n1,", { target: "b" }, "csv: line 3, column 2 (b): no target"],
    ["hexadecimals", "a,b\n0x10,2", { target: "b" }, 'line 2, column 1 (a): no number; expected a number, got "0x10"'],
    ["infinity", "a,b\nInfinity,2", { target: "b" }, "line 2, column 1 (a): no number"],
    ["more than f32 holds", "a,b\n1e39,2", { target: "b" }, "line 2, column 1 (a): too large for f32"],
    ["decimal commas", "a;b\n1,5;2", { target: "b" }, 'decimal: "," reads it'],
    ["decimal points", "a;b\n1.5;2", { target: "b", decimal: "," }, "line 2, column 1 (a): no number"],
    [
      "too few cells",
      "a,b\n1,2\n\n3",
      { target: "b" },
      "line 4, column 2 (b): no cell; expected 2 cells, as line 1, got 1",
    ],
    [
      "too many cells",
      "a,b\n1,2,3",
      { target: "b" },
      "line 2, column 3: a cell too many; expected 2 cells, as line 1, got 3",
    ],
    [
      "an unknown class",
      "a,b\n1,c",
      { target: "b", classes: ["x", "y"] },
      'line 2, column 2 (b): unknown class; expected one of x, y, got "c"',
    ],
    ["an empty class", "a,b\n1,", { target: "b", classes: true }, "line 2, column 2 (b): no target"],
    ["an open quote", 'a,b\n1,2\n"3,4', { target: "b" }, "csv: line 3, character 1: quoted field unterminated"],
    [
      "a quote inside",
      'a,b\n1,"2"5',
      { target: "b" },
      "csv: line 2, character 3: trailing quote on quoted field is malformed",
    ],
    [
      "a column named twice",
      "a,b,a\n1,2,3",
      { target: "b" },
      'line 1, column 3: a second column of this name; expected other names, got "a"',
    ],
    ["nothing", "", { target: 0 }, "csv: no records"],
    ["a header alone", "a,b\n", { target: 0 }, "csv: no records; expected lines after the header"],
    [
      "lines counted through quoted line ends",
      'a,b,k\n1,2,"x\ny\nz"\n1,!,x',
      { target: "k", classes: true },
      'line 5, column 2 (b): no number; expected a number, got "!"',
    ],
  ] as const)("refuses %s", async (_, text, options, message) => {
    const error = await readCsv(text, options).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message).toContain(message);
  });
  it.each([
    ["no options", undefined, /target|options/],
    ["no target", {}, /bad target/],
    ["an unknown column", { target: "heigth" }, /unknown column in target; .* did you mean height/],
    ["a place beyond the last", { target: 3 }, /bad target; expected a name, or an integer from -3 to 2/],
    ["the target among the inputs", { target: "c", columns: ["a", "c"] }, /columns that are no targets/],
    ["no inputs", { target: "c", columns: [] }, /at least one column/],
    ["no targets", { target: [] }, /at least one column/],
    ["classes of several targets", { target: ["a", "c"], classes: true }, /one target column/],
    ["classes twice", { target: "c", classes: ["x", "x"] }, /names, each once/],
    ["a long delimiter", { target: "c", delimiter: ";;" }, /one character/],
    ["an unknown option", { target: "c", seperator: ";" }, /unknown option/],
  ])("refuses %s as an argument", async (_, options, message) => {
    const error = await readCsv("a,height,c\n1,2,3", options as never).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(ArgumentError);
    expect((error as Error).message).toMatch(message);
  });

  it("reads back any table that is written, with any names and classes", async () => {
    const number = fc.float({ noNaN: true, noDefaultInfinity: true });
    const word = fc
      .string({ minLength: 1, maxLength: 8, unit: fc.constantFrom(..."ab\",;\t|'é \n") })
      .map((text) => `w${text}w`);
    const table = fc.record({
      columns: fc.integer({ min: 1, max: 4 }),
      rows: fc.integer({ min: 1, max: 8 }),
      delimiter: fc.constantFrom(",", ";", "\t", "|"),
      end: fc.constantFrom("\n", "\r\n"),
      mark: fc.constantFrom("", "\ufeff"),
      quote: fc.boolean(),
    });
    const property = fc.asyncProperty(
      table,
      fc.infiniteStream(number),
      fc.infiniteStream(word),
      async (shape, numbers, words) => {
        const { columns, rows, delimiter, end, mark, quote } = shape;
        const next = <T>(stream: fc.Stream<T>): T => stream.next().value as T;
        const names = Array.from({ length: columns + 1 }, (_, i) => `${i}${next(words)}`);
        const values = Array.from({ length: rows }, () => Array.from({ length: columns }, () => next(numbers)));
        const classes = Array.from({ length: rows }, () => next(words));
        const lines = [
          names,
          ...values.map((row, n) => [...row.map((value) => (Object.is(value, -0) ? "-0" : `${value}`)), classes[n]]),
        ];
        const text =
          mark + lines.map((row) => row.map((cell) => written(cell, delimiter, quote)).join(delimiter)).join(end);
        const read = await readCsv(text, { target: -1, classes: true, delimiter });
        expect([...read.x.data]).toEqual(values.flat());
        expect(read.names).toEqual(names.slice(0, -1));
        expect(Array.from(read.y.data, (number) => read.classes?.[number])).toEqual(classes);
      },
    );
    await fc.assert(property, { numRuns: 150 });
  });
  it("gives values or errors of the library for any text", async () => {
    const unit = fc.constantFrom(...'12.,;"\n\r \te-a\ufeff|');
    const property = fc.asyncProperty(fc.string({ unit, maxLength: 60 }), async (text) => {
      const result = await readCsv(text, { target: 0, header: false }).catch((cause: unknown) => cause);
      if (result instanceof Error) expect(result).toBeInstanceOf(CoarsegradError);
      else expect((result as { y: { data: Float32Array } }).y.data.every(Number.isFinite)).toBe(true);
    });
    await fc.assert(property, { numRuns: 400 });
  });

  it("gives what fit takes, and names that travel with the examples", async () => {
    const train = await readCsv("a,b,kind\n0,1,x\n1,0,y\n0,2,x\n2,0,y", { target: "kind", classes: true });
    expect(exampleDataset(train)).toMatchObject({ count: 4, names: ["a", "b"], classes: ["x", "y"] });
    const net = disposeLater(new Linear(2, 2));
    const optimizer = disposeLater(new Adam(net.parameters(), { lr: 0.1 }));
    const { metrics } = await training.fit(net, train, { epochs: 20, optimizer, metrics: ["accuracy"] });
    expect(metrics[metrics.length - 1].metrics).toEqual({ accuracy: 1 });
    expect(() => exampleDataset({ ...train, names: "ab" as never })).toThrow(ArgumentError);
  });
});

describe("readCsvFile", () => {
  it("reads a path, and names it in messages", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "coarsegrad-csv-"));
    try {
      const file = path.join(folder, "day.csv");
      writeFileSync(file, "\ufeffa;b\r\n1;2\r\n3;x\r\n");
      await expect(readCsvFile(file, { target: "b" })).rejects.toThrow(`${file}: line 3, column 2 (b): no number`);
      expect((await readCsvFile(file, { target: "b", classes: true })).classes).toEqual(["2", "x"]);
      await expect(readCsvFile(path.join(folder, "none.csv"), { target: 0 })).rejects.toThrow(DataError);
      await expect(readCsvFile("", { target: 0 })).rejects.toThrow(ArgumentError);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
