/** @file Batches of data sets that give examples one by one: order, streams, look-ahead, refusals, and worker threads. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { ArgumentError, ShapeError } from "../../src/core/errors.js";
import type { ExampleBatch } from "../../src/data/examples.js";
import {
  datasetLoader,
  ExampleLoader,
  type ExampleSource,
  exampleDataset,
  type MapDataset,
} from "../../src/data/index.js";
import { Linear } from "../../src/nn/index.js";
import { SGD } from "../../src/optim/index.js";
import * as training from "../../src/train/index.js";
import { bundleProgram } from "../bundle.js";
import { disposeLater } from "../leaks.js";

async function epochOf(source: ExampleSource, epoch = 0): Promise<ExampleBatch[]> {
  const batches: ExampleBatch[] = [];
  for await (const batch of source.epoch(epoch)) batches.push(batch);
  return batches;
}

/** Example n is [n, a number of its stream], its target n; it comes after `delay(n)` turns. */
const toy = (length: number, delay: (n: number) => number = () => 0): MapDataset => ({
  length,
  name: "toy",
  get: async (n, rng) => {
    for (let i = 0; i < delay(n); i++) await new Promise((resolve) => setImmediate(resolve));
    return { x: [n, rng.uniform()], y: n };
  },
});

const settings = fc.record({
  length: fc.integer({ min: 1, max: 30 }),
  batch: fc.integer({ min: 1, max: 9 }),
  shuffle: fc.boolean(),
  seed: fc.integer(),
  dropLast: fc.boolean(),
  prefetch: fc.integer({ min: 0, max: 4 }),
  epoch: fc.integer({ min: 0, max: 3 }),
});

describe("datasetLoader", () => {
  it("has the order of an ExampleLoader, whatever is made ahead and however long examples take", async () => {
    const property = fc.asyncProperty(settings, async ({ length, epoch, prefetch, ...options }) => {
      if (options.dropLast && length < options.batch) return;
      const own = await epochOf(
        datasetLoader(
          toy(length, (n) => (n * 7) % 3),
          { ...options, prefetch },
        ),
        epoch,
      );
      const values = Array.from({ length }, (_, n) => n);
      const known = await epochOf(new ExampleLoader(exampleDataset({ x: values, y: values }), options), epoch);
      expect(own.map(({ targets }) => [...targets.data])).toEqual(known.map(({ targets }) => [...targets.data]));
      expect(own.map(({ count, index }) => [count, index])).toEqual(known.map(({ count, index }) => [count, index]));
      for (const { inputs, targets, count } of own) {
        expect([inputs[0].shape, targets.shape]).toEqual([[count, 2], [count]]);
        expect(Array.from(targets.data, (_, k) => inputs[0].data[2 * k])).toEqual([...targets.data]);
      }
    });
    await fc.assert(property, { numRuns: 60 });
  });
  it("gives example n of an epoch one stream, in any order and batch", async () => {
    const property = fc.asyncProperty(settings, async ({ length, epoch, seed, batch, prefetch }) => {
      const streams = async (options: object): Promise<Map<number, number>> => {
        const batches = await epochOf(datasetLoader(toy(length), { seed, ...options }), epoch);
        return new Map(
          batches.flatMap(({ inputs, targets }) => Array.from(targets.data, (n, k) => [n, inputs[0].data[2 * k + 1]])),
        );
      };
      const plain = await streams({ batch: 1, prefetch: 0 });
      const other = await streams({ batch, prefetch, shuffle: true });
      expect([...other].sort(([a], [b]) => a - b)).toEqual([...plain]);
      if (length > 3) expect(new Set(plain.values()).size).toBeGreaterThan(1);
    });
    await fc.assert(property, { numRuns: 30 });
  });
  it("gives the rest of an epoch from any batch on", async () => {
    const loader = datasetLoader(toy(11), { batch: 2, shuffle: true });
    const all = await epochOf(loader, 1);
    for (const from of [0, 3, 6]) {
      const rest: ExampleBatch[] = [];
      for await (const batch of loader.epoch(1, from)) rest.push(batch);
      expect(rest).toEqual(all.slice(from));
    }
  });
  it("makes as many batches ahead as asked for, and no more", async () => {
    for (const prefetch of [0, 1, 3]) {
      let made = 0;
      const dataset: MapDataset = { length: 10, get: (n) => ({ x: [n], y: n + 0 * made++ }) };
      let used = 0;
      for await (const _ of datasetLoader(dataset, { batch: 1, prefetch }).epoch(0)) {
        used++;
        expect(made).toBe(Math.min(10, used + prefetch));
      }
    }
  });
  it("puts numbers, arrays, codes, several inputs and weights together", async () => {
    const dataset: MapDataset = {
      length: 2,
      get: (n) => ({
        inputs: [{ shape: [2, 1], data: Uint8Array.of(n, 7), step: 0.5 }, Float32Array.of(n), n],
        y: [[n], [n]],
        weight: n + 1,
      }),
    };
    const [{ inputs, targets, weights }] = await epochOf(datasetLoader(dataset));
    expect(inputs).toEqual([
      { shape: [2, 2, 1], data: Uint8Array.of(0, 7, 1, 7), step: 0.5 },
      { shape: [2, 1], data: Float32Array.of(0, 1) },
      { shape: [2], data: Float32Array.of(0, 1) },
    ]);
    expect(targets).toEqual({ shape: [2, 2, 1], data: Float32Array.of(0, 0, 1, 1) });
    expect(weights).toEqual(Float32Array.of(1, 2));
  });
  it("is what fit takes: the bits of the same examples in memory", async () => {
    const xs = Array.from({ length: 12 }, (_, n) => [n / 12, 1 - n / 6]);
    const run = async (data: unknown): Promise<number[]> => {
      const net = disposeLater(new Linear(2, 1));
      net.weight.set([0.5, -0.25]);
      net.bias?.set([0]);
      const optimizer = disposeLater(new SGD(net.parameters(), { lr: 0.1 }));
      await training.fit(net, data as ExampleSource, { epochs: 3, optimizer, loss: "mse" });
      return [...net.weight.toTypedArray()];
    };
    const options = { batch: 5, shuffle: true, seed: 3 };
    const own = datasetLoader({ length: 12, get: (n) => ({ x: xs[n], y: [n] }) }, options);
    const memory = new ExampleLoader(exampleDataset({ x: xs, y: xs.map((_, n) => [n]) }), options);
    expect(await run(own)).toEqual(await run(memory));
  });

  const refusals: [string, unknown, object, RegExp][] = [
    ["no data set", null, {}, /bad data set/],
    ["no length", { get: () => ({}) }, {}, /bad length/],
    ["no get", { length: 3 }, {}, /bad get/],
    ["an unknown option", toy(3), { batchSize: 3 }, /unknown option.*did you mean batch\?/],
    ["a bad look-ahead", toy(3), { prefetch: -1 }, /bad prefetch/],
    ["no batch at all", toy(3), { batch: 4, dropLast: true }, /no batch in toy/],
  ];
  it.each(refusals)("refuses %s", (_, dataset, options, message) => {
    expect(() => datasetLoader(dataset as MapDataset, options)).toThrow(ArgumentError);
    expect(() => datasetLoader(dataset as MapDataset, options)).toThrow(message);
  });
  const bad: [string, MapDataset["get"], unknown, RegExp][] = [
    ["what is no example", () => 3 as never, ArgumentError, /bad example 0/],
    ["neither x nor inputs", () => ({ y: 1 }), ArgumentError, /bad example 0; expected x, or inputs/],
    ["no numbers", () => ({ x: "a" as never, y: 1 }), ArgumentError, /bad x of example 0/],
    ["a negative weight", () => ({ x: 1, y: 1, weight: -1 }), ArgumentError, /bad weight of example 0/],
    [
      "examples of other shapes",
      (n) => ({ x: [[1], [1, 2]][n % 2], y: 1 }),
      ShapeError,
      /x of example 1 is unlike that of example 0/,
    ],
    ["an error of the user's", () => Promise.reject(new RangeError("disk")), RangeError, /^disk$/],
  ];
  it.each(bad)("in an epoch refuses %s", async (_, get, type, message) => {
    const error = await epochOf(datasetLoader({ length: 4, get })).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(type);
    expect((error as Error).message).toMatch(message);
  });
});

/** What the worker threads gave, asked in a program of its own: threads run the file that the library is in. */
interface Told {
  plain: unknown;
  threaded: unknown[];
  failures: string[];
  refusals: Record<string, string>;
}

const MODULES: Readonly<Record<string, string>> = {
  toy: "export default ({ length }) => ({ length, name: 'toy', get: async (n, rng) => ({ x: [n, rng.uniform()], y: n }) });",
  bad: "export default () => ({ length: 4, get: (n) => { if (n === 3) throw new RangeError('disk'); if (n === 2) process.exit(7); return { x: [[1], [1, 2]][n], y: 1 }; } });",
  none: "export default 3;",
  empty: "export default () => ({ length: 0, get() {} });",
  getless: "export default () => ({ length: 1 });",
  broken: "export default () => { throw new Error('no disk'); };",
};

const PROGRAM = `
  import { isMainThread } from "node:worker_threads";
  import { Rng } from "coarsegrad";
  import { datasetLoader } from "coarsegrad/data";
  import { openDatasetWorkers } from "coarsegrad/node";

  const epochOf = async (source, epoch) => {
    const batches = [];
    for await (const { inputs, targets } of source.epoch(epoch)) batches.push([...inputs, targets].map(({ shape, data }) => [shape, [...data]]));
    return batches;
  };
  const words = (promise) => Promise.resolve(promise).then(() => "done", (error) => error.name + ": " + error.message);
  if (isMainThread) {
    const url = (name) => new URL(name + ".mjs", import.meta.url);
    const told = { threaded: [], failures: [], refusals: {} };
    const options = { batch: 4, shuffle: true, seed: 9, prefetch: 3 };
    const toy = (await import(url("toy").href)).default({ length: 23 });
    told.plain = await epochOf(datasetLoader(toy, options), 2);
    for (const workers of [1, 3]) {
      const dataset = await openDatasetWorkers(url("toy"), { workers, data: { length: 23 } });
      told.threaded.push([dataset.length, dataset.name, await epochOf(datasetLoader(dataset, options), 2)]);
      await dataset.close();
    }
    const bad = await openDatasetWorkers(url("bad"), { workers: 1 });
    for (const rows of [[0], [3], [0, 1], [2], [0]]) {
      told.failures.push(await words(bad.batch(rows, rows.map((n) => new Rng(n)))));
    }
    await bad.close();
    const refused = async (name, module, options) => (told.refusals[name] = await words(openDatasetWorkers(module, options)));
    for (const name of ["none", "empty", "getless", "broken", "missing"]) await refused(name, url(name));
    await refused("relative", "./toy.mjs");
    await refused("remote", "https://example.org/toy.mjs");
    await refused("data", url("toy"), { data: () => 1 });
    await refused("workers", url("toy"), { workers: 0 });
    console.log(JSON.stringify(told));
    // Left open: it must not keep the process alive.
    await openDatasetWorkers(url("toy"), { data: { length: 3 } });
  }
`;

describe("openDatasetWorkers", () => {
  let told: Told;
  beforeAll(async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "coarsegrad-dataset-"));
    try {
      for (const [name, text] of Object.entries(MODULES)) writeFileSync(path.join(folder, `${name}.mjs`), text);
      writeFileSync(path.join(folder, "program.ts"), PROGRAM);
      const outfile = path.join(folder, "program.mjs");
      await bundleProgram(path.join(folder, "program.ts"), outfile);
      told = JSON.parse(execFileSync(process.execPath, [outfile], { encoding: "utf8", timeout: 60_000 }));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("gives the bits of the same data set in this thread, with any number of threads", () => {
    expect(told.threaded).toEqual([
      [23, "toy", told.plain],
      [23, "toy", told.plain],
    ]);
    expect(told.plain).toHaveLength(6);
  });
  it("throws what goes wrong in a thread to whoever waits for the batch", () => {
    expect(told.failures).toEqual([
      "done",
      expect.stringMatching(/^DataError: \S*bad\.mjs: an example cannot be made; got disk$/),
      expect.stringMatching(/x of example 1 is unlike that of example 0/),
      expect.stringMatching(/^DataError: \S*bad\.mjs: a thread that makes examples was lost; got ended with code 7$/),
      expect.stringMatching(/a thread that makes examples was lost/),
    ]);
  });
  it("refuses modules that give no data set", () => {
    expect(told.refusals).toEqual({
      none: expect.stringMatching(/^ArgumentError: .*bad default export/),
      empty: expect.stringMatching(/^ArgumentError: .*bad length/),
      getless: expect.stringMatching(/^ArgumentError: .*bad get/),
      broken: expect.stringMatching(/^DataError: .*no disk/),
      missing: expect.stringMatching(/^DataError: .*missing\.mjs/),
      relative: expect.stringMatching(/^ArgumentError: .*bad module/),
      remote: expect.stringMatching(/^ArgumentError: .*bad module/),
      data: expect.stringMatching(/^ArgumentError: openDatasetWorkers: bad data/),
      workers: expect.stringMatching(/bad workers/),
    });
  });
});
