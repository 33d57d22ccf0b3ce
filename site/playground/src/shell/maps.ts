/** @file Small pictures of numbers: filters, codes of layers. */
import { color } from "./theme.js";

/** Pictures side by side: `count` of them, each rows × columns, values in [−1, 1] or [0, 1]. */
export interface Maps {
  readonly count: number;
  readonly rows: number;
  readonly columns: number;
  readonly values: ArrayLike<number>;
}

type Rgb = readonly [number, number, number];

function rgb(name: string): Rgb {
  const hex = color(name).slice(1);
  return [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb;
}

/**
 * Draws maps on a canvas, as many in a line as fit `across` pixels at `scale`.
 *
 * @param signed values may be negative: two colours around a third
 */
export function drawMaps(canvas: HTMLCanvasElement, maps: Maps, across: number, scale: number, signed: boolean): void {
  const { count, rows, columns, values } = maps;
  const each = columns + 1;
  const line = Math.max(1, Math.min(count, Math.floor(across / scale / each)));
  canvas.width = line * each - 1;
  canvas.height = Math.ceil(count / line) * (rows + 1) - 1;
  canvas.style.width = `${canvas.width * scale}px`;
  // Where the page is narrower, it shrinks in both directions.
  canvas.style.height = "auto";
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(canvas.width, canvas.height);
  const [plus, zero, minus] = [rgb("--plus"), rgb("--zero"), rgb("--minus")];
  for (let k = 0; k < count; k++) {
    const left = (k % line) * each;
    const top = Math.floor(k / line) * (rows + 1);
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++) {
        const value = values[(k * rows + y) * columns + x];
        const end = signed && value < 0 ? minus : plus;
        const share = Math.min(1, Math.abs(value));
        const at = 4 * ((top + y) * canvas.width + left + x);
        for (let c = 0; c < 3; c++) image.data[at + c] = zero[c] + (end[c] - zero[c]) * share;
        image.data[at + 3] = 255;
      }
    }
  }
  context.putImageData(image, 0, 0);
}
