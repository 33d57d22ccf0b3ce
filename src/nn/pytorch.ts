/** @file Weights from PyTorch: the one place where its layout of images shows. */
import { ShapeError } from "../core/errors.js";
import { shapeText } from "../core/shape.js";
import type { HostArray } from "./state.js";

/**
 * The weight of a linear layer that follows a flatten, from PyTorch's order of inputs (channels, rows, columns) to this library's (rows,
 * columns, channels). All other tensors of a PyTorch checkpoint load as they are.
 *
 * @param weight [O, C·H·W]
 * @param image extents of the flattened image
 * @returns a copy of the same shape
 * @throws ShapeError if the extents do not give the number of columns
 * @example
 * state.set("fc1.weight", fromPyTorchFlatten(state.get("fc1.weight"), { channels: 64, height: 4, width: 4 }));
 * lenet5().loadStateDict(state);
 */
export function fromPyTorchFlatten(
  weight: HostArray,
  image: { channels: number; height: number; width: number },
): HostArray {
  const { channels, height, width } = image;
  const columns = channels * height * width;
  if (weight.shape.length !== 2 || weight.shape[1] !== columns) {
    throw new ShapeError({
      op: "fromPyTorchFlatten",
      what: "columns do not match the image",
      expected: `[O,${columns}]`,
      got: shapeText(weight.shape),
    });
  }
  const data = weight.data.slice();
  const pixels = height * width;
  for (let row = 0; row < weight.shape[0]; row++) {
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < pixels; p++)
        data[row * columns + p * channels + c] = weight.data[row * columns + c * pixels + p];
    }
  }
  return { shape: weight.shape, data };
}
