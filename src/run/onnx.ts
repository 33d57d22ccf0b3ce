/** @file ONNX files as networks of a run: float ones, for images of bytes that stand for 0 … 1. */
import { noGrad } from "../autograd/graph.js";
import { Tensor } from "../autograd/tensor.js";
import { PIXEL_STEP } from "../codes/scales.js";
import { ArgumentError } from "../core/errors.js";
import { scope } from "../memory/scope.js";
import { NDArray } from "../ndarray/ndarray.js";
import { importOnnx, type OnnxNetwork } from "../onnx/index.js";
import type { ImageInfo } from "./images.js";

/**
 * The float network of an ONNX file, for images of bytes that stand for 0 … 1. A softmax at its end is left out.
 *
 * @param file its name, for messages
 * @throws FormatError if it cannot be imported, ArgumentError if its bytes stand for other numbers
 */
export function onnxNetwork(bytes: Uint8Array, file: string): OnnxNetwork {
  const net = importOnnx(bytes, { file, logits: true });
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

/** The same for some images. @throws ArgumentError if the network is not for them or their classes */
export function onnxNetworkFor(bytes: Uint8Array, file: string, info: ImageInfo): OnnxNetwork {
  const net = onnxNetwork(bytes, file);
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

/** What of an ONNX file its network leaves out, a sentence each. */
export function onnxNotes(bytes: Uint8Array, file: string): readonly string[] {
  using net = onnxNetwork(bytes, file);
  return net.notes;
}

/** Numbers that a network gives for one image. */
function outputSize(net: OnnxNetwork): number {
  return scope(() => noGrad(() => net.eval().forward(new Tensor(NDArray.zeros([1, ...net.inputShape]))).size));
}
