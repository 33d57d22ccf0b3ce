/**
 * @file Images of other extents: which places of the input an output reads, and how the places between them are formed.
 * Training and the packed runtime run this very code, so that both give the same bits.
 */

/** What an output is made of: the nearest element, or two neighbours by their distance. */
export type ResampleMode = "nearest" | "linear";

/**
 * Where output p lies among `extent` inputs, of `out` outputs (with scale s = out/extent unless one is given):
 * `asymmetric` p/s, `half_pixel` (p + ½)/s − ½, `align_corners` p·(extent − 1)/(out − 1).
 */
export type Coordinates = "asymmetric" | "half_pixel" | "align_corners";

/** What one axis of the output reads: row p is `low[p]` times 1 − `share[p]` plus `high[p]` times `share[p]`. */
export interface Taps {
  readonly low: Int32Array;
  /** Null: the row at `low`, as it is. */
  readonly high: Int32Array | null;
  readonly share: Float64Array;
}

/** Place of output p among the inputs, as an exact quotient where no scale is given. */
function placeOf(p: number, extent: number, out: number, coordinates: Coordinates, scale: number | null): number {
  if (coordinates === "align_corners") return out === 1 ? 0 : (p * (extent - 1)) / (out - 1);
  if (coordinates === "asymmetric") return scale === null ? (p * extent) / out : p / scale;
  return scale === null ? ((2 * p + 1) * extent - out) / (2 * out) : (p + 0.5) / scale - 0.5;
}

/**
 * What an axis of `out` places reads of one of `extent`. Places outside are those at the edge. `nearest` takes the
 * place below (`asymmetric`) or the nearest one, the later of two (`half_pixel`).
 *
 * @param scale out/extent if that is not exact, else null
 */
export function tapsOf(
  mode: ResampleMode,
  coordinates: Coordinates,
  extent: number,
  out: number,
  scale: number | null = null,
): Taps {
  const low = new Int32Array(out);
  const high = mode === "linear" ? new Int32Array(out) : null;
  const share = new Float64Array(out);
  for (let p = 0; p < out; p++) {
    const place = placeOf(p, extent, out, coordinates, scale);
    if (high === null) {
      const nearest = coordinates === "asymmetric" ? Math.floor(place) : Math.floor(place + 0.5);
      low[p] = Math.max(0, Math.min(extent - 1, nearest));
      continue;
    }
    const inside = Math.max(0, Math.min(extent - 1, place));
    low[p] = Math.floor(inside);
    high[p] = Math.min(extent - 1, low[p] + 1);
    share[p] = Math.fround(inside - low[p]);
  }
  return { low, high, share };
}

/** Elements of numbers. */
export type Elements = Float32Array | Float64Array | Uint8Array;

/** An axis of `extent` rows of `inner` elements each, `outer` times. */
export interface Axis {
  readonly outer: number;
  readonly extent: number;
  readonly inner: number;
}

const exact = (value: number): number => value;

/**
 * Rows of an axis made anew: to[o,p,i] = from[o,low,i]·(1 − share) + from[o,high,i]·share, each operation rounded once
 * to the elements' type.
 */
export function resampleAxis(
  from: Elements,
  to: Elements,
  { outer, extent, inner }: Axis,
  { low, high, share }: Taps,
): void {
  const out = low.length;
  const round = to.BYTES_PER_ELEMENT === 8 ? exact : Math.fround;
  for (let o = 0; o < outer; o++) {
    for (let p = 0; p < out; p++) {
      const at = (o * out + p) * inner;
      const a = (o * extent + low[p]) * inner;
      if (high === null) {
        for (let i = 0; i < inner; i++) to[at + i] = from[a + i];
        continue;
      }
      const b = (o * extent + high[p]) * inner;
      const near = round(1 - share[p]);
      const far = share[p];
      for (let i = 0; i < inner; i++) to[at + i] = round(from[a + i] * near) + round(from[b + i] * far);
    }
  }
}

/** The adjoint of {@link resampleAxis}: adds to rows of `into` in the order of the rows of `dy`. */
export function spreadAxis(
  dy: Float32Array | Float64Array,
  into: Float32Array | Float64Array,
  { outer, extent, inner }: Axis,
  { low, high, share }: Taps,
): void {
  const out = low.length;
  const round = into.BYTES_PER_ELEMENT === 8 ? exact : Math.fround;
  for (let o = 0; o < outer; o++) {
    for (let p = 0; p < out; p++) {
      const at = (o * out + p) * inner;
      const a = (o * extent + low[p]) * inner;
      if (high === null) {
        for (let i = 0; i < inner; i++) into[a + i] += dy[at + i];
        continue;
      }
      const b = (o * extent + high[p]) * inner;
      const near = round(1 - share[p]);
      const far = share[p];
      for (let i = 0; i < inner; i++) {
        into[a + i] += round(dy[at + i] * near);
        into[b + i] += round(dy[at + i] * far);
      }
    }
  }
}
