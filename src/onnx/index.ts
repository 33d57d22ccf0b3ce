/** @file The ONNX room: networks and packed models to ONNX files, float networks from them. See docs/onnx.md. */
export { exportOnnx, exportPackedOnnx, type OnnxOptions } from "./export.js";
export { type ExternalData, externalFiles, withExternalData } from "./external.js";
export { IMPORTED_OPERATORS, type ImportOptions, importOnnx } from "./import.js";
export { type InputInfo, OnnxNetwork } from "./network.js";
export { withOutput } from "./output.js";
