/** @file Files that people take for weights and that are none which are read: named by their first bytes. */
import { FormatError } from "../core/errors.js";

/** How PyTorch's old files become files that are read. */
const CONVERT = `python -c "import sys, torch; from safetensors.torch import save_file; s = torch.load(sys.argv[1], map_location='cpu', weights_only=True); s = s.get('state_dict', s); save_file({k: v.contiguous().clone() for k, v in s.items() if torch.is_tensor(v)}, sys.argv[2], {'format': 'pt'})" IN.pt OUT.safetensors`;

const startsWith = (bytes: Uint8Array, ...first: number[]): boolean => first.every((byte, i) => bytes[i] === byte);

/** Whether a file is a ZIP archive, as those of `torch.save` and NumPy's `savez` are. */
export function isZip(bytes: Uint8Array): boolean {
  return startsWith(bytes, 0x50, 0x4b, 3, 4);
}

/** What a file is that is neither such an archive nor safetensors; null for those, and for what cannot be told. */
function foreignKind(bytes: Uint8Array, path: string): string | null {
  if (isZip(bytes)) return /\.npz$/i.test(path) ? "a NumPy archive" : null;
  // The length of safetensors' header may begin like a pickle; it ends in zeros.
  if (bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5 && bytes[7] !== 0) return PICKLE;
  if (startsWith(bytes, 0x89, 0x48, 0x44, 0x46)) return "an HDF5 file";
  if (startsWith(bytes, 0x47, 0x47, 0x55, 0x46)) return "a GGUF file";
  const named = /\.(?:pt|pth|ckpt)$/i.test(path);
  return named && bytes[8] !== 0x7b ? "a file that is no archive, as torch.save writes them since 1.6" : null;
}

const PICKLE = "a pickle, as torch.save wrote before 1.6";

/** Names files of other kinds: a pickle would only be a strange header. @throws FormatError */
export function refuseForeign(bytes: Uint8Array, path: string): void {
  const kind = foreignKind(bytes, path);
  if (kind === null) return;
  throw new FormatError({
    op: path,
    what: "not a file of weights that is read",
    expected: "safetensors, or what torch.save writes",
    got: kind,
    hint: isZip(bytes) ? "in code: net.loadStateDict(readNpz(bytes))" : kind === PICKLE ? CONVERT : undefined,
  });
}
