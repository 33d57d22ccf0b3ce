/**
 * @file Skeletons of the digits 0 … 9: how a pen would write them, in a unit box with y pointing down.
 *
 * A glyph is a set of points and strokes through them. A stroke is a smooth curve; a corner is where one stroke ends
 * and the next begins, at a shared point, so that it stays joined when the points wobble.
 */

/** One way to write a digit. */
export interface Glyph {
  /** x and y of the points, interleaved. */
  readonly points: readonly number[];
  /** Each stroke is a list of point numbers. */
  readonly strokes: readonly (readonly number[])[];
}

/** Glyph from a path in which `|` starts a stroke at the point before it, and `/` lifts the pen. */
function glyph(path: string): Glyph {
  const points: number[] = [];
  const strokes: number[][] = [[]];
  let last = -1;
  for (const word of path.split(/\s+/)) {
    const stroke = strokes[strokes.length - 1];
    if (word === "|") strokes.push([last]);
    else if (word === "/") strokes.push([]);
    else if (word.startsWith("@")) stroke.push(Number(word.slice(1)));
    else {
      last = points.length / 2;
      points.push(...word.split(",").map((hundredths) => Number(hundredths) / 100));
      stroke.push(last);
    }
  }
  return { points, strokes };
}

/** For each digit, the ways to write it; coordinates are in hundredths of the box, `@n` returns to point n. */
export const GLYPHS: readonly (readonly Glyph[])[] = [
  [
    glyph("50,6 28,18 20,50 28,82 50,94 72,82 80,50 72,18 @0"),
    glyph("58,8 36,16 24,46 30,80 48,94 68,80 76,48 66,16 46,8"),
    glyph("54,7 38,24 34,52 38,80 50,93 62,78 66,48 62,22 50,6"),
  ],
  [
    glyph("50,6 50,50 50,94"),
    glyph("34,24 46,16 54,6 | 53,50 52,94"),
    glyph("36,26 52,8 | 52,50 52,93 / 34,93 52,93 70,92"),
    glyph("58,6 52,48 44,94"),
  ],
  [
    glyph("20,28 28,12 50,6 72,16 74,36 54,62 20,92 | 50,91 80,90"),
    glyph("22,24 40,8 64,10 74,28 62,54 36,82 22,86 20,76 34,74 54,86 82,90"),
    glyph("24,20 46,7 70,14 72,34 50,62 26,90 | 52,84 78,92"),
  ],
  [
    glyph("22,18 48,6 72,20 66,40 42,48 | 72,58 76,80 48,94 20,84"),
    glyph("24,10 48,9 74,9 | 58,28 44,42 | 70,50 78,72 54,93 22,86"),
    glyph("26,14 54,7 70,24 50,45 | 72,56 68,84 44,94 24,88"),
  ],
  [
    glyph("30,8 24,34 20,56 | 50,56 82,55 / 66,10 64,50 62,94"),
    glyph("62,6 40,34 16,64 | 50,64 84,63 / @0 61,50 60,94"),
    glyph("26,10 26,34 34,50 54,52 72,42 / 74,8 70,50 64,94"),
  ],
  [
    glyph("74,8 50,8 30,9 | 28,28 25,46 | 50,38 74,52 74,76 50,93 20,85"),
    glyph("34,10 31,30 28,48 | 54,42 72,60 62,86 24,90 / @0 56,9 78,7"),
    glyph("70,10 52,9 36,12 | 30,44 | 60,48 70,70 52,92 26,88"),
  ],
  [
    glyph("66,7 40,24 24,54 28,82 50,94 72,82 72,62 50,52 28,66"),
    glyph("54,6 36,32 27,62 36,90 58,92 68,74 54,60 34,70"),
    glyph("72,14 52,8 32,28 24,58 34,88 58,92 74,76 64,58 42,58 27,70"),
  ],
  [
    glyph("20,11 50,10 80,9 | 60,46 44,94"),
    glyph("20,22 21,10 | 50,11 78,10 | 58,50 48,93"),
    glyph("22,12 50,10 76,10 | 58,48 42,94 / 34,52 52,51 72,50"),
  ],
  [
    glyph("70,20 50,6 30,20 36,38 52,49 72,66 70,86 50,94 30,86 28,66 48,49 66,36 @0"),
    glyph("50,47 32,34 32,16 50,7 68,16 68,34 @0 / @0 28,60 28,82 50,94 72,82 72,60 @0"),
    glyph("72,14 48,8 34,24 52,46 68,72 50,93 32,76 46,50 66,30 74,12"),
  ],
  [
    glyph("72,28 52,8 28,22 30,44 52,50 70,38 @0 | 72,62 66,94"),
    glyph("72,26 52,8 30,20 28,42 48,52 68,40 @0 | 74,58 62,88 28,90"),
    glyph("66,16 46,8 28,26 34,48 54,48 68,28 66,16 | 62,54 50,94"),
  ],
];
