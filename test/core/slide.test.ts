/** @file Windows along one axis, against windows that are laid out one by one. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ceilOutputsOf, outputsOf, paddingBehind, type SlidingAxis, seesPaddingAlone } from "../../src/core/slide.js";

const upTo = (max: number, min = 1) => fc.integer({ min, max });
const axes = fc.record({
  extent: upTo(9),
  before: upTo(8, 0),
  kernel: upTo(4),
  stride: upTo(5),
  dilation: upTo(12),
});

/** Taps of window i, counted from the image's first pixel. */
const placesOf = ({ before, kernel, stride, dilation }: SlidingAxis, i: number): number[] =>
  Array.from({ length: kernel }, (_, k) => i * stride - before + k * dilation);

describe("windows along one axis", () => {
  it("are as many as end inside the padded image", () => {
    fc.assert(
      fc.property(axes, upTo(8, 0), (axis, after) => {
        let count = 0;
        while ((placesOf(axis, count).at(-1) as number) < axis.extent + after) count++;
        expect(Math.max(0, outputsOf(axis, after))).toBe(count);
      }),
    );
  });
  it("in ceil mode, one more where the next one starts in front of the padding behind and holds what is left", () => {
    fc.assert(
      fc.property(axes, upTo(8, 0), (axis, after) => {
        const floor = outputsOf(axis, after);
        fc.pre(floor >= 1);
        const end = axis.extent + after;
        const left = (placesOf(axis, floor - 1).at(-1) as number) + 1 < end;
        const more = left && placesOf(axis, floor)[0] < axis.extent;
        const starts = placesOf(axis, floor - 1)[0] < axis.extent;
        expect(ceilOutputsOf(axis, after)).toBe(more ? floor + 1 : left || starts ? floor : floor - 1);
      }),
    );
  });
  it("reach so far behind the image", () => {
    fc.assert(
      fc.property(axes, upTo(6), (axis, out) => {
        const last = placesOf(axis, out - 1).at(-1) as number;
        expect(paddingBehind(axis, out)).toBe(Math.max(0, last + 1 - axis.extent));
      }),
    );
  });
  it("hold padding alone if no tap of one is inside", () => {
    fc.assert(
      fc.property(axes, upTo(12), (axis, out) => {
        const windows = Array.from({ length: out }, (_, i) => placesOf(axis, i));
        const empty = windows.some((places) => places.every((place) => place < 0 || place >= axis.extent));
        expect(seesPaddingAlone(axis, out)).toBe(empty);
      }),
      { numRuns: 1000 },
    );
  });
});
