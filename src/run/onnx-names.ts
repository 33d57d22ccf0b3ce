/** @file ONNX files among the names of networks: told by their ending. */

/** True if a name is that of an ONNX file. */
export function isOnnx(name: string): boolean {
  return name.toLowerCase().endsWith(".onnx");
}
