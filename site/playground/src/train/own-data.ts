/** @file A data set of a few drawn or filmed examples: some to test on, copies of the others moved a little. */
import { shiftImage } from "coarsegrad/data";
import type { StoredImages } from "./record.js";

/** One example: pixels, [28, 28, 1] drawn or [32, 32, 3] filmed. */
export type Sample = Uint8Array;

/** Examples of one class. */
export interface NamedSamples {
  readonly name: string;
  readonly samples: readonly Sample[];
}

const MOVES = [-2, 0, 2];

/** Every fourth example of a class (at least one) is for the test; of the others there are nine copies each. */
export function dataOf(classes: readonly NamedSamples[], filmed: boolean): StoredImages {
  const shape: [number, number, number] = filmed ? [32, 32, 3] : [28, 28, 1];
  const train: [Uint8Array, number][] = [];
  const test: [Uint8Array, number][] = [];
  classes.forEach(({ samples }, label) => {
    samples.forEach((sample, i) => {
      if (i % 4 === 1) test.push([sample, label]);
      else {
        for (const down of MOVES) {
          for (const right of MOVES) {
            const copy = sample.slice();
            shiftImage(copy, shape, down, right);
            train.push([copy, label]);
          }
        }
      }
    });
  });
  const joined = (rows: readonly [Uint8Array, number][]): Uint8Array => {
    const all = new Uint8Array(rows.length * shape[0] * shape[1] * shape[2]);
    rows.forEach(([pixels], i) => {
      all.set(pixels, i * pixels.length);
    });
    return all;
  };
  return {
    key: "own",
    title: filmed ? "Filmed" : "Drawn",
    known: null,
    shape,
    classNames: classes.map(({ name }) => name),
    train: train.length,
    test: test.length,
    pixels: { train: joined(train), test: joined(test) },
    labels: { train: Uint8Array.from(train, ([, label]) => label), test: Uint8Array.from(test, ([, label]) => label) },
  };
}
