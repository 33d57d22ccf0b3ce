/** @file ONNX files on the command line: told by their ending, read as float networks for images of the data sets. */
import { basename, isAbsolute, join } from "node:path";
import { noGrad } from "../autograd/graph.js";
import { Tensor } from "../autograd/tensor.js";
import { PIXEL_STEP } from "../codes/scales.js";
import { ArgumentError } from "../core/errors.js";
import type { DatasetInfo } from "../data/registry.js";
import { scope } from "../memory/scope.js";
import { NDArray } from "../ndarray/ndarray.js";
import { readFileBytesSync } from "../node/files.js";
import { importOnnx, type OnnxNetwork } from "../onnx/index.js";

/** The copy of an imported network in the folder of a run. */
export const NETWORK_FILE = "network.onnx";

/** True if a name is that of an ONNX file. */
export function isOnnx(name: string): boolean {
  return name.toLowerCase().endsWith(".onnx");
}

/** A network as a name for people and folders: `mine` for `nets/mine.onnx`. */
export function plainName(name: string): string {
  return isOnnx(name) ? basename(name).slice(0, -".onnx".length) : name;
}

/** Where the model of a run's configuration is: ONNX files lie in its folder, other names stay. */
export function modelOfRun(model: string, folder: string): string {
  return isOnnx(model) && !isAbsolute(model) ? join(folder, model) : model;
}

/**
 * The float network of an ONNX file, for images of bytes that stand for 0 … 1.
 *
 * @throws DataError if it cannot be read, FormatError if it cannot be imported, ArgumentError if its bytes stand for other numbers
 */
export function onnxNetwork(bytes: Uint8Array, file: string, shape?: readonly number[]): OnnxNetwork {
  const net = importOnnx(bytes, { file, inputShape: shape });
  const { inputType, inputStep } = net.input;
  if (inputType === "f32" || inputStep === PIXEL_STEP) return net;
  net.dispose();
  throw new ArgumentError({
    op: file,
    what: "what its input bytes stand for",
    expected: "code/255, or a FLOAT input",
    got: `${inputStep}·code`,
  });
}

/** The same for a data set. @throws ArgumentError if the network is not for its images or classes */
export function onnxNetworkFor(file: string, info: Pick<DatasetInfo, "shape" | "classes">): OnnxNetwork {
  const net = onnxNetwork(readFileBytesSync(file), file);
  const refuse = (what: string, expected: string, got: string): never => {
    net.dispose();
    throw new ArgumentError({ op: file, what, expected, got });
  };
  const [wanted, own] = [info.shape.join("×"), net.inputShape.join("×")];
  if (wanted !== own) refuse("the network does not take these images", wanted, own);
  const outputs = outputSize(net);
  if (outputs !== info.classes) {
    refuse("the network does not have these classes", `${info.classes} outputs`, `${outputs}`);
  }
  return net;
}

/** Numbers that a network gives for one image. */
function outputSize(net: OnnxNetwork): number {
  return scope(() => noGrad(() => net.eval().forward(new Tensor(NDArray.zeros([1, ...net.inputShape]))).size));
}
