/**
 * @file The built-in data set: digits drawn from strokes by a seeded generator, the same bytes on every machine.
 *
 * Each image has a random stream of its own, named by seed, part and index, so that asking for more images changes none
 * of the earlier ones. It is written like this: pick a way to write the digit, move its control points, run smooth
 * curves through them, map them by a random affine map and bend, and give each pixel the coverage by the pen and some
 * noise.
 */
import { checkOptions, integer, type OptionRules } from "../core/checks.js";
import { cos, sin } from "../core/math.js";
import { Rng } from "../core/rng.js";
import { allocate, type DatasetSplits, type ImageDataset } from "./dataset.js";
import { GLYPHS, type Glyph } from "./glyphs.js";
import { seedRule } from "./streams.js";

const SIDE = 28;
const CLASS_NAMES = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/** Options of {@link digits}. */
export interface DigitsOptions {
  /** Training images. @default 6000 */
  readonly train?: number;
  /** Test images. @default 1000 */
  readonly test?: number;
  /** Names the data: one seed, one data set. @default 1 */
  readonly seed?: number | string;
}

const rules: OptionRules<DigitsOptions> = {
  train: integer(0, 2 ** 31 - 1),
  test: integer(0, 2 ** 31 - 1),
  seed: seedRule,
};

/**
 * Generated handwritten-like digits, 28×28×1, ten classes in equal numbers (image n shows the digit n mod 10).
 * @param options counts and seed
 * @returns training and test images from separate random streams
 * @throws ArgumentError on a negative or fractional count, a bad seed or an unknown option; MemoryError
 */
export function digits(options: DigitsOptions = {}): DatasetSplits {
  checkOptions("digits", options, rules);
  const { train = 6000, test = 1000, seed = 1 } = options;
  const root = new Rng(seed).fork("digits");
  return { train: part("train", train, root), test: part("test", test, root) };
}

function part(name: string, count: number, root: Rng): ImageDataset {
  const images = allocate("digits", count * SIDE * SIDE);
  const labels = new Uint8Array(count);
  const streams = root.fork(name);
  for (let n = 0; n < count; n++) {
    labels[n] = n % 10;
    drawDigit(images.subarray(n * SIDE * SIDE, (n + 1) * SIDE * SIDE), n % 10, streams.fork(n));
  }
  const shape = [SIDE, SIDE, 1] as const;
  return { name: `digits/${name}`, classes: 10, classNames: CLASS_NAMES, shape, count, images, labels };
}

/** Draws one digit into `pixels`, [28, 28]. */
function drawDigit(pixels: Uint8Array, digit: number, rng: Rng): void {
  const ways = GLYPHS[digit];
  const glyph = ways[rng.int(ways.length)];
  const points = placePoints(glyph, rng);
  const radius = rng.range(0.75, 1.65);
  const softness = rng.range(0.8, 1.5);
  const coverage = new Float64Array(SIDE * SIDE);
  for (const stroke of glyph.strokes) {
    const curve = smoothCurve(stroke.map((p) => [points[2 * p], points[2 * p + 1]]));
    for (let i = 2; i < curve.length; i += 2) {
      coverSegment(coverage, curve[i - 2], curve[i - 1], curve[i], curve[i + 1], radius, softness);
    }
  }
  const ink = rng.range(150, 255);
  const grain = rng.range(0, 0.25);
  for (let i = 0; i < pixels.length; i += 2) {
    // Two triangular deviates from one word, −255 … 255 each, mostly small.
    const word = rng.u32();
    const first = (word & 255) - ((word >>> 8) & 255);
    const second = ((word >>> 16) & 255) - (word >>> 24);
    pixels[i] = clampByte(ink * coverage[i] + grain * first);
    pixels[i + 1] = clampByte(ink * coverage[i + 1] + grain * second);
  }
}

function clampByte(x: number): number {
  return Math.floor(Math.min(255, Math.max(0, x + 0.5)));
}

/** The glyph's points with wobble, bend, slant, rotation, scale and shift, in pixels. */
function placePoints(glyph: Glyph, rng: Rng): Float64Array {
  const wobble = rng.range(0.01, 0.045);
  const angle = 0.14 * rng.normal();
  const slant = 0.16 * rng.normal();
  const width = SIDE * rng.range(0.5, 0.78);
  const height = SIDE * rng.range(0.64, 0.84);
  const bendX = 0.2 * rng.normal();
  const bendY = 0.12 * rng.normal();
  const centreX = SIDE / 2 + rng.range(-1.5, 1.5);
  const centreY = SIDE / 2 + rng.range(-1.5, 1.5);
  const c = cos(angle);
  const s = sin(angle);
  const out = new Float64Array(glyph.points.length);
  for (let i = 0; i < out.length; i += 2) {
    const x0 = glyph.points[i] - 0.5 + wobble * rng.normal();
    const y0 = glyph.points[i + 1] - 0.5 + wobble * rng.normal();
    const x = width * (x0 - slant * y0 + bendX * (4 * y0 * y0 - 0.5) * 0.5);
    const y = height * (y0 + bendY * (4 * x0 * x0 - 0.5) * 0.5);
    out[i] = centreX + c * x - s * y;
    out[i + 1] = centreY + s * x + c * y;
  }
  return out;
}

const STEPS = 5;

/** A polyline along the Catmull–Rom spline through `knots`, x and y interleaved. */
function smoothCurve(knots: readonly (readonly number[])[]): number[] {
  const out = [knots[0][0], knots[0][1]];
  const at = (i: number) => knots[Math.min(Math.max(i, 0), knots.length - 1)];
  for (let k = 0; k + 1 < knots.length; k++) {
    const [a, b, c, d] = [at(k - 1), at(k), at(k + 1), at(k + 2)];
    for (let step = 1; step <= STEPS; step++) {
      const t = step / STEPS;
      for (const axis of [0, 1]) {
        const linear = c[axis] - a[axis];
        const square = 2 * a[axis] - 5 * b[axis] + 4 * c[axis] - d[axis];
        const cube = 3 * (b[axis] - c[axis]) + d[axis] - a[axis];
        out.push(b[axis] + 0.5 * t * (linear + t * (square + t * cube)));
      }
    }
  }
  return out;
}

/** Raises the coverage of pixels near a segment: 1 within the pen's radius, falling to 0 over `softness` pixels. */
function coverSegment(
  coverage: Float64Array,
  ax: number,
  ay: number,
  bx: number,
  by: number,
  radius: number,
  softness: number,
): void {
  const reach = radius + softness / 2;
  const left = Math.max(0, Math.floor(Math.min(ax, bx) - reach));
  const right = Math.min(SIDE - 1, Math.floor(Math.max(ax, bx) + reach));
  const top = Math.max(0, Math.floor(Math.min(ay, by) - reach));
  const bottom = Math.min(SIDE - 1, Math.floor(Math.max(ay, by) + reach));
  const dx = bx - ax;
  const dy = by - ay;
  const scale = 1 / (dx * dx + dy * dy + 1e-12);
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      // Distance from the pixel's centre to the nearest point of the segment.
      const px = column + 0.5 - ax;
      const py = row + 0.5 - ay;
      const t = Math.min(1, Math.max(0, (px * dx + py * dy) * scale));
      const ex = px - t * dx;
      const ey = py - t * dy;
      const value = Math.min(1, (reach - Math.sqrt(ex * ex + ey * ey)) / softness);
      const i = row * SIDE + column;
      if (value > coverage[i]) coverage[i] = value;
    }
  }
}
