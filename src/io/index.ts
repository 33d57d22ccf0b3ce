/** @file Readers and writers of files as bytes: IDX, CIFAR-10, safetensors, npy, npz, PyTorch checkpoints, WAV. */
export { CIFAR10_RECORD, type CifarBatch, readCifar10 } from "./cifar.js";
export { type IdxData, type IdxFile, readIdx, writeIdx } from "./idx.js";
export { type NpyData, type NpyFile, readNpy, writeNpy } from "./npy.js";
export { type NpzArrays, readNpz } from "./npz.js";
export { type PyTorchFile, type PyTorchOptions, readPyTorch } from "./pytorch.js";
export {
  readSafetensors,
  type SafeData,
  type SafeDType,
  type SafeEntry,
  type SafeFile,
  type SafeMapEntry,
  type SafeTensor,
  writeSafetensors,
} from "./safetensors.js";
export { readTar } from "./tar.js";
export { readWav, type WavEncoding, type WavFile, type WavLimits, type WavOptions, writeWav } from "./wav.js";
