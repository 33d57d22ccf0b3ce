/** @file A data set of a few drawn, filmed or spoken examples: some to test on, copies of the others moved a little. */
import { shiftImage } from "coarsegrad/data";
import type { FrontEnd } from "coarsegrad/sound";
import type { StoredImages } from "./record.js";

/** One example: pixels, [28, 28, 1] drawn or [32, 32, 3] filmed, or codes [frames, bands, 1] of sound. */
export type Sample = Uint8Array;

/** Examples of one class. */
export interface NamedSamples {
  readonly name: string;
  readonly samples: readonly Sample[];
}

const MOVES = [-2, 0, 2];

/** Where examples come from. */
export type Source = "pad" | "camera" | "microphone";

const TITLES = { pad: "Drawn", camera: "Filmed", microphone: "Spoken" } as const;

/**
 * Every fourth example of a class (at least one) is for the test; of the others there are nine copies each. Sound is
 * moved in time alone, by up to 160 ms.
 *
 * @param sound how sound is heard
 */
export function dataOf(classes: readonly NamedSamples[], source: Source, sound?: FrontEnd): StoredImages {
  const shape: [number, number, number] =
    sound !== undefined ? [sound.frames, sound.bands, 1] : source === "camera" ? [32, 32, 3] : [28, 28, 1];
  const moves =
    sound !== undefined
      ? [-8, -6, -4, -2, 0, 2, 4, 6, 8].map((frames) => [frames, 0])
      : MOVES.flatMap((down) => MOVES.map((right) => [down, right]));
  const train: [Uint8Array, number][] = [];
  const test: [Uint8Array, number][] = [];
  classes.forEach(({ samples }, label) => {
    samples.forEach((sample, i) => {
      if (i % 4 === 1) test.push([sample, label]);
      else {
        for (const [down, right] of moves) {
          const copy = sample.slice();
          shiftImage(copy, shape, down, right);
          train.push([copy, label]);
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
    title: TITLES[source],
    known: null,
    shape,
    classNames: classes.map(({ name }) => name),
    train: train.length,
    test: test.length,
    ...(sound !== undefined && { sound }),
    pixels: { train: joined(train), test: joined(test) },
    labels: { train: Uint8Array.from(train, ([, label]) => label), test: Uint8Array.from(test, ([, label]) => label) },
  };
}
