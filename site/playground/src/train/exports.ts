/** @file Files of a finished run. Runs in workers. */
import { toC, toModule } from "coarsegrad/export";
import { exportPackedOnnx } from "coarsegrad/onnx";
import { networkOf } from "coarsegrad/run";
import { loadCheckpoint } from "coarsegrad/train";
import { read } from "../shell/store.js";
import { type FileKind, fileKey, type RunRecord, type WeightsView } from "./record.js";
import { viewOf } from "./weights.js";

async function stored(id: string, kind: "checkpoint" | "cgm"): Promise<Uint8Array> {
  const bytes = await read<Uint8Array>("files", fileKey(id, kind));
  if (bytes === undefined) throw new Error("This file of the run is not kept.");
  return bytes;
}

/** A file of a run: its checkpoint, its packed model, or what that becomes. */
export async function fileOf({ id, config }: RunRecord, kind: FileKind): Promise<Uint8Array> {
  if (kind === "checkpoint" || kind === "cgm") return stored(id, kind);
  const packed = await stored(id, "cgm");
  if (kind === "onnx") return exportPackedOnnx(packed);
  const text =
    kind === "module" ? toModule(packed) : toC(packed, { name: config.model }).files[`${config.model}.${kind}`];
  return new TextEncoder().encode(text);
}

/** The weights of a run's last checkpoint; null if it has none. */
export async function weightsOf({ id, config }: RunRecord, imageShape: readonly number[]): Promise<WeightsView | null> {
  const bytes = await read<Uint8Array>("files", fileKey(id, "checkpoint"));
  if (bytes === undefined) return null;
  const net = networkOf(config);
  try {
    net.loadStateDict(loadCheckpoint(bytes).model);
    return viewOf(net, imageShape);
  } finally {
    net.dispose();
  }
}
