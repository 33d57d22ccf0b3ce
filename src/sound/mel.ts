/** @file Mel bands: triangles over the bins of a spectrum, in f64 with the same bits on every engine. */
import { ArgumentError } from "../core/errors.js";
import { exp, log } from "../core/math.js";
import type { FrontEnd } from "./front-end.js";

interface Scale {
  readonly mel: (hertz: number) => number;
  readonly hertz: (mel: number) => number;
}

const { LN10 } = Math;
/** Slaney's scale: 200/3 Hz a mel below 1000 Hz, 27 mels for a factor of 6.4 above. */
const SLOPE = 200 / 3;
const BREAK = 1000;
const LOG_STEP = /* @__PURE__ */ log(6.4) / 27;

const SCALES: Readonly<Record<FrontEnd["scale"], Scale>> = {
  htk: {
    mel: (f) => (2595 * log(1 + f / 700)) / LN10,
    hertz: (m) => 700 * (exp((m * LN10) / 2595) - 1),
  },
  slaney: {
    mel: (f) => (f < BREAK ? f / SLOPE : BREAK / SLOPE + log(f / BREAK) / LOG_STEP),
    hertz: (m) => (m < BREAK / SLOPE ? m * SLOPE : BREAK * exp(LOG_STEP * (m - BREAK / SLOPE))),
  },
};

/** One band: its weights from bin `first` on. */
export interface MelBand {
  readonly first: number;
  readonly weights: Float64Array;
}

/**
 * The bands of a front end: centres equally far apart in mels, each triangle from the centre before to the one behind.
 *
 * @param size samples of the transform
 * @throws ArgumentError if a band is so narrow that it has no bin
 */
export function melBands({ rate, bands, scale, low, high }: FrontEnd, size: number): MelBand[] {
  const { mel, hertz } = SCALES[scale];
  const [from, to] = [mel(low), mel(high)];
  const edges = Array.from({ length: bands + 2 }, (_, m) => hertz(from + ((to - from) * m) / (bands + 1)));
  return Array.from({ length: bands }, (_, m) => {
    const [left, centre, right] = edges.slice(m, m + 3);
    const height = scale === "slaney" ? 2 / (right - left) : 1;
    const all = Array.from({ length: size / 2 + 1 }, (_, k) => {
      const f = (k * rate) / size;
      return height * Math.max(0, Math.min((f - left) / (centre - left), (right - f) / (right - centre)));
    });
    const first = all.findIndex((weight) => weight > 0);
    if (first < 0) {
      throw new ArgumentError({
        op: "front end",
        what: `band ${m} has no bin of the spectrum`,
        expected: "fewer bands, or a longer window",
        got: `${bands} bands, ${size} samples`,
      });
    }
    const last = all.findLastIndex((weight) => weight > 0);
    return { first, weights: Float64Array.from(all.slice(first, last + 1)) };
  });
}
