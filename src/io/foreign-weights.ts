/** @file What files of weights are, by their first bytes: PyTorch's, and those that are not read, which are named. */
import { FormatError } from "../core/errors.js";

const startsWith = (bytes: Uint8Array, ...first: number[]): boolean => first.every((byte, i) => bytes[i] === byte);

/** Whether a file is a ZIP archive, as those of `torch.save` and NumPy's `savez` are. */
export function isZip(bytes: Uint8Array): boolean {
  return startsWith(bytes, 0x50, 0x4b, 3, 4);
}

/** A pickle of 0x1950a86a20f9469cfc6c, with which files of `torch.save` before 1.6 begin. */
export const LEGACY_MAGIC: readonly number[] = [
  ...[0x80, 2, 0x8a, 10],
  ...[0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19],
  0x2e,
];

/** Whether a file is of `torch.save` before 1.6, or of a later one with `_use_new_zipfile_serialization=False`. */
export const isLegacyPyTorch = (bytes: Uint8Array): boolean => startsWith(bytes, ...LEGACY_MAGIC);

/** Whether a file may be one of PyTorch's, of either format. */
export const isPyTorch = (bytes: Uint8Array): boolean => isZip(bytes) || isLegacyPyTorch(bytes);

/** What a file is that is neither PyTorch's nor safetensors; null for those, and for what cannot be told. */
function foreignKind(bytes: Uint8Array, path: string): string | null {
  if (isZip(bytes)) return /\.npz$/i.test(path) ? "a NumPy archive" : null;
  if (isLegacyPyTorch(bytes)) return null;
  // The length of safetensors' header may begin like a pickle; it ends in zeros.
  if (bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5 && bytes[7] !== 0) {
    return "a pickle that torch.save did not write";
  }
  if (startsWith(bytes, 0x89, 0x48, 0x44, 0x46)) return "an HDF5 file";
  if (startsWith(bytes, 0x47, 0x47, 0x55, 0x46)) return "a GGUF file";
  const named = /\.(?:pt|pth|th|ckpt)$/i.test(path);
  return named && bytes[8] !== 0x7b ? "a file that torch.save did not write" : null;
}

/** Names files of other kinds: a pickle would only be a strange header. @throws FormatError */
export function refuseForeign(bytes: Uint8Array, path: string): void {
  const kind = foreignKind(bytes, path);
  if (kind === null) return;
  throw new FormatError({
    op: path,
    what: "not a file of weights that is read",
    expected: "safetensors, or what torch.save writes",
    got: kind,
    hint: isZip(bytes) ? "in code: net.loadStateDict(readNpz(bytes))" : undefined,
  });
}
