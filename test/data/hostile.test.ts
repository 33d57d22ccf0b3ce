/** @file Every door of the data room, with what does not belong there: a value or an error of the library, at once. */
import vm from "node:vm";
import { describe, expect, it } from "vitest";
import { CoarsegradError, DTypeError, FormatError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import * as data from "../../src/data/index.js";
import { hostileValues } from "../hostile-values.js";

const hostile = (): unknown[] => [...hostileValues().map(([, value]) => value), { length: 1e9 }];
const { train } = data.digits({ train: 20, test: 0 });

async function outcome(call: () => unknown): Promise<string> {
  try {
    await call();
    return "value";
  } catch (error) {
    return error instanceof CoarsegradError ? "refused" : `${(error as Error)?.stack ?? error}`;
  }
}
const fine = ["value", "refused"];
const d = data as unknown as Record<string, (...args: unknown[]) => unknown>;
const functions = [
  "checkLabels",
  "imageDataset",
  "imageSize",
  "labelHistogram",
  "subset",
  "digits",
  "isBatchLoader",
  "datasetInfo",
  "horizontalFlip",
  "randomCrop",
  "mirrorImage",
  "normalize",
  "shiftImage",
];

describe("hostile arguments", () => {
  it.each(functions)("%s", async (name) => {
    const values = hostile();
    // Digits take one argument, and draw thousands of images wherever they take it.
    const seconds = name === "digits" ? [undefined] : values;
    for (const x of values) for (const y of seconds) expect(fine).toContain(await outcome(() => d[name](x, y, 1)));
  });
  it("each field of a data set, and each option", async () => {
    for (const x of hostile()) {
      for (const name of Object.keys(train)) {
        expect(fine).toContain(await outcome(() => d.imageDataset({ ...train, [name]: x })));
        expect(fine).toContain(await outcome(() => new data.DataLoader({ ...train, [name]: x } as never).batch(0, 0)));
      }
      expect(fine).toContain(await outcome(() => d.subset(train, x)));
      for (const name of ["train", "test", "seed"].filter((key) => key === "seed" || x !== 2 ** 32))
        expect(fine).toContain(await outcome(() => d.digits({ train: 1, test: 1, [name]: x })));
      for (const name of ["batch", "shuffle", "seed", "epoch", "dropLast", "transforms", "prefetch", "batchSize"])
        expect(fine).toContain(await outcome(() => new data.DataLoader(train, { [name]: x } as never)));
      const loader = new data.DataLoader(train) as unknown as Record<string, (...args: unknown[]) => unknown>;
      expect(fine).toContain(await outcome(() => loader.order(x)));
      for (const args of [
        [x, 0],
        [0, x],
        [0, 0, x],
      ])
        expect(fine).toContain(await outcome(() => loader.batch(...args)));
      expect(fine).toContain(await outcome(() => (loader.epoch(x) as AsyncGenerator).next()));
      expect(fine).toContain(await outcome(() => new data.LoaderStreams(x as never)));
      expect(fine).toContain(await outcome(() => new data.LoaderStreams(1).order(x as never, x as never)));
      expect(fine).toContain(await outcome(() => data.randomCrop().apply(x as never, x as never, x as never)));
      expect(fine).toContain(
        await outcome(() => data.horizontalFlip({ p: 1 }).apply(train.images, [28, 28, 1], x as never)),
      );
    }
  });
  it("counts beyond memory are refused at once", async () => {
    for (const call of [
      () => new Rng(1).shuffle({ length: 1e9 } as never),
      () => new Rng(1).permutation(2 ** 31),
      () => new data.LoaderStreams(1).order(0, 2 ** 31),
      () => data.digits({ train: 2 ** 32 }),
      () => data.digits({ train: 2 ** 31 - 1 }),
    ])
      expect(await outcome(call)).toBe("refused");
  });
});

describe("pixels and labels of other types", () => {
  const make = (fields: Record<string, unknown>) => data.imageDataset({ ...train, ...fields } as never);
  it("real and wide numbers are no pixels, and the message says what to do", () => {
    const floats = Float32Array.from(train.images, (pixel) => pixel / 255);
    expect(() => make({ images: floats })).toThrow(DTypeError);
    expect(() => make({ images: floats })).toThrow(
      /expected pixels 0 … 255 in a Uint8Array, got Float32Array.*255 \* x/,
    );
    for (const images of [
      Uint16Array.from(train.images),
      Int32Array.from(train.images),
      Int8Array.from(train.images),
      [...train.images],
    ])
      expect(() => make({ images })).toThrow(/Uint8Array\.from/);
  });
  it("labels that are no classes are refused with their record", () => {
    for (const bad of [Number.NaN, 0.5, -1, 10, undefined, "1"]) {
      const labels = Object.assign([...train.labels] as unknown[], { 7: bad });
      expect(() => make({ labels })).toThrow(FormatError);
      expect(() => make({ labels })).toThrow(/record 7; expected 0 to 9/);
    }
    expect(() => make({ labels: Float32Array.from(train.labels, (label) => label + 0.5) })).toThrow(/record 0/);
    expect(() => make({ labels: BigInt64Array.from([...train.labels].map(BigInt)) })).toThrow(DTypeError);
  });
  it("whole labels of every type and realm, and bytes of every realm, are taken", () => {
    const want = [...train.labels];
    for (const labels of [
      want,
      Uint16Array.from(want),
      Float64Array.from(want),
      vm.runInNewContext(`Int32Array.of(${want})`),
    ])
      expect([...make({ labels }).labels]).toEqual(want);
    const images = vm.runInNewContext(`Uint8Array.of(${[...train.images]})`);
    expect(make({ images }).images).toEqual(train.images);
    expect(make({}).images).toBe(train.images);
  });
});
