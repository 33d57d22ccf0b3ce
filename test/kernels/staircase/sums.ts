/** @file Codes of exact sums: by thresholds, by lines, with a residual. */
import fc from "fast-check";
import { agree, bytes, type Check, channelCounts, input, integers, output, property, reals } from "../harness.js";

const maps = fc.record({ rows: fc.constantFrom(0, 1, 2, 3, 4, 5, 9), channels: channelCounts });

export const codesOfSums = {
  i32_threshold: () =>
    property(fc.tuple(maps, fc.constantFrom(1, 3, 15, 255)), (rng, [{ rows, channels }, top]) => {
      const acc = integers(rng, rows * channels, 20);
      const thresholds = integers(rng, channels * top, 20);
      if (rows * channels > 1) acc.set([2 ** 31 - 1, -(2 ** 31)]); // no difference may be formed
      if (channels * top > 1) thresholds.set([2 ** 31 - 1, -(2 ** 31)]);
      const out = output(new Uint8Array(rows * channels));
      const constants = [input(thresholds), input(bytes(rng, channels, 2)), top];
      agree("i32_threshold", input(acc), out, rows, channels, ...constants);
    }),
  i32_line_codes: () =>
    property(fc.tuple(maps, fc.constantFrom(1, 3, 15, 255)), (rng, [{ rows, channels }, top]) => {
      const acc = integers(rng, rows * channels, rng.bool(0.5) ? 2 ** 31 - 1 : 100);
      // Halves are frequent: they round to even.
      const halves = () => Float32Array.from({ length: channels }, () => rng.int(65) / 2 - 16);
      const shift = rng.bool(0.5) ? halves() : reals(rng, channels, "tame");
      const scale = rng.bool(0.5) ? halves() : reals(rng, channels, "tame");
      const out = output(new Uint8Array(rows * channels));
      agree("i32_line_codes", input(acc), out, rows, channels, input(scale), input(shift), top);
    }),
  i32_residual_codes: () =>
    property(fc.tuple(maps, fc.constantFrom(1, 3, 15, 255)), (rng, [{ rows, channels }, top]) => {
      const acc = integers(rng, rows * channels, 60);
      const step = rng.bool(0.5) ? Math.fround(rng.range(0.01, 1)) : 0;
      const length = rows * channels;
      const residual = step === 0 ? reals(rng, length) : bytes(rng, length);
      // Eighths make sums that fall on steps exactly.
      const eighths = Float32Array.from({ length: 4 * channels }, () => rng.int(33) / 8 - 2);
      const constants = rng.bool(0.5) ? eighths : reals(rng, 4 * channels, "tame");
      const alpha = rng.bool(0.5) ? 0.25 : Math.fround(rng.range(0.01, 2));
      const out = output(new Uint8Array(length));
      const given = [input(acc), input(residual), out, rows, channels, input(constants)];
      agree("i32_residual_codes", ...given, step, alpha, top, rng.int(2));
    }),
} satisfies Record<string, Check>;
