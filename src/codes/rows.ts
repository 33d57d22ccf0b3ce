/**
 * @file Weights as rows, one for each output: channels outermost in training and in ONNX, innermost in products of
 * patches.
 */

/** Arrays of weights, of their codes, and of places in them. */
export type Weights = Int8Array | Float32Array | Int32Array;

/** Each block [rows, columns] turned to [columns, rows]. */
function turned<T extends Weights>(values: T, rows: number, columns: number): T {
  const out = values.slice() as T;
  for (let block = 0; block < values.length; block += rows * columns) {
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) out[block + c * rows + r] = values[block + r * columns + c];
    }
  }
  return out;
}

/** Weights [O,I,Kh,Kw] as [O,Kh,Kw,I], in a new array. @param taps Kh·Kw; 1 for linear layers */
export function channelsLast<T extends Weights>(weights: T, out: number, taps: number): T {
  return turned(weights, weights.length / out / taps, taps);
}

/** Weights [O,Kh,Kw,I] as [O,I,Kh,Kw], in a new array. @param taps Kh·Kw; 1 for linear layers */
export function channelsFirst<T extends Weights>(rows: T, out: number, taps: number): T {
  return turned(rows, taps, rows.length / out / taps);
}
