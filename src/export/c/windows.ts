/** @file Loops over the outputs of a window, in C. */
import type { PlanWindow } from "../../format/window.js";
import { loop } from "./lowering.js";
import type { CModule } from "./module.js";

/** A window over an image in groups of channels. */
export interface CWindow {
  readonly window: PlanWindow;
  /** [h, w, channels] */
  readonly image: readonly number[];
  readonly groups: number;
  /** [h, w] of the output. */
  readonly extents: readonly number[];
}

/** True if what lies under the window is a pixel as it stands. */
function isPixel({ window, image, groups, extents }: CWindow): boolean {
  const { kernel, stride, padding } = window;
  const alone = groups === 1 && kernel[0] * kernel[1] * stride[0] * stride[1] === 1;
  return alone && padding.every((n) => n === 0) && extents[0] === image[0] && extents[1] === image[1];
}

/**
 * Visits every output position: `body` finds its inputs at `patch`, and `y` at its outputs, which are `out`; with
 * groups it runs for each `group`.
 *
 * @param moving pointers that go along with the outputs
 * @returns statements, and elements of the workspace, 0 if the image itself is read
 */
export function overWindows(
  module: CModule,
  shape: CWindow,
  type: "uint8_t" | "float",
  out: number,
  body: readonly string[],
  moving: readonly string[] = ["y"],
): { readonly body: readonly string[]; readonly patch: number } {
  const moves = moving.map((pointer) => `${pointer} += ${out};`);
  const { window, image, groups, extents } = shape;
  const [height, width, pixel] = image;
  const channels = pixel / groups;
  if (isPixel(shape)) {
    const lines = [`const ${type} *patch = x + place * ${pixel};`, ...body, ...moves];
    return { body: loop("place", extents[0] * extents[1], lines), patch: 0 };
  }
  const { kernel, stride, padding, dilation } = window;
  const run = groups === 1 && dilation[1] === 1 ? 1 : 0;
  const gather = module.use(type === "float" ? "gather_floats" : "gather_codes");
  const name = module.struct("window", "@window", [
    ...[height, width, pixel, ...kernel, ...stride, padding[0], padding[2], ...dilation, run],
  ]);
  const from = groups === 1 ? "x" : `x + group * ${channels}`;
  const call = `${gather}(${from}, &${name}, ${channels}, row, column, patch);`;
  const inner = groups === 1 ? [call, ...body] : loop("group", groups, [call, ...body]);
  return {
    body: loop("row", extents[0], loop("column", extents[1], [...inner, ...moves])),
    patch: kernel[0] * kernel[1] * channels,
  };
}

/** `index * stride - padding + tap * dilation`, without what changes nothing. */
function placeOf(index: string, stride: number, padding: number, tap: string, dilation: number): string {
  const times = (name: string, by: number): string => (by === 1 ? name : `${name} * ${by}`);
  return `${times(index, stride)}${padding === 0 ? "" : ` - ${padding}`} + ${times(tap, dilation)}`;
}

/** Statements over a window's taps inside the image, for pools: `at` is the tap's first value. */
export function overTaps({ window, image }: Pick<CWindow, "window" | "image">, type: string, body: string[]): string[] {
  const [height, width, pixel] = image;
  const { kernel, stride, padding, dilation } = window;
  const [tall, wide] = [padding[0] + padding[1] > 0, padding[2] + padding[3] > 0];
  return loop("i", kernel[0], [
    `const int32_t line = ${placeOf("row", stride[0], padding[0], "i", dilation[0])};`,
    ...(tall ? [`if (line < 0 || line >= ${height}) continue;`] : []),
    ...loop("j", kernel[1], [
      `const int32_t place = ${placeOf("column", stride[1], padding[2], "j", dilation[1])};`,
      ...(wide ? [`if (place < 0 || place >= ${width}) continue;`] : []),
      `const ${type} *at = x + (line * ${width} + place) * ${pixel};`,
      ...body,
    ]),
  ]);
}

/** Statements for every output position of a pool, `c` each channel; `y` moves with them. */
export function overPool(extents: readonly number[], channels: number, body: readonly string[]): string[] {
  const all = loop("c", channels, body);
  return loop("row", extents[0], loop("column", extents[1], [...all, `y += ${channels};`]));
}
