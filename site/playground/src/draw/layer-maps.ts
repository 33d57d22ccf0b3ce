/** @file Values of a layer as pictures, one for each channel. Runs in workers. */
import type { TracedValue } from "coarsegrad/infer";
import type { LayerMaps } from "./reading.js";

/** Rows × columns of a vector: as near to 1 : 4 as its length allows. */
function folded(length: number): [rows: number, columns: number] {
  let rows = 1;
  for (let r = 1; r * r * 3 <= length; r++) if (length % r === 0) rows = r;
  return [rows, length / rows];
}

/** The first image's values of a layer. */
export function layerMaps({ id, op, type, data }: TracedValue): LayerMaps {
  const { shape, top } = type;
  const size = shape.reduce((product, extent) => product * extent, 1);
  let largest = top;
  if (top === 0) for (let i = 0; i < size; i++) largest = Math.max(largest, Math.abs(data[i]));
  const values = new Float32Array(size);
  const isImage = shape.length === 3;
  const [rows, columns] = isImage ? [shape[0], shape[1]] : folded(size);
  const count = isImage ? shape[2] : 1;
  for (let c = 0; c < count; c++) {
    for (let p = 0; p < rows * columns; p++) values[c * rows * columns + p] = data[p * count + c] / (largest || 1);
  }
  return { id, op, shape, top, count, rows, columns, values };
}
