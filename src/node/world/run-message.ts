/** @file What rank 0 sends to the others before a run: its configuration and the files that it starts from. */
import { readSafetensors, writeSafetensors } from "../../io/safetensors.js";
import { parseConfig, type RunConfig } from "../../run/config.js";
import { readModel } from "../../run/source.js";
import type { StartFiles } from "../../run/start.js";
import { loadCheckpoint } from "../../train/checkpoint.js";
import { configHash } from "../../train/digest.js";

/** A run as its ranks need it; files as bytes, so that no disk is shared. */
export interface RunMessage {
  readonly config: RunConfig;
  /** The network's ONNX file. */
  readonly network?: { readonly path: string; readonly bytes: Uint8Array };
  /** The weights to start from. */
  readonly init?: { readonly path: string; readonly bytes: Uint8Array };
  /** The teacher. */
  readonly teacher?: { readonly path: string; readonly bytes: Uint8Array };
  /** Where an earlier part of the run ended. */
  readonly checkpoint?: Uint8Array;
  readonly checkpointEvery?: number;
}

/** As bytes: a safetensors file whose tensors are files. */
export function writeRunMessage({
  config,
  network,
  init,
  teacher,
  checkpoint,
  checkpointEvery,
}: RunMessage): Uint8Array {
  const files = { network: network?.bytes, init: init?.bytes, teacher: teacher?.bytes, checkpoint };
  const entries = Object.entries(files).flatMap(([name, data]) =>
    data === undefined ? [] : [{ name, shape: [data.length], data }],
  );
  const told = { config, network: network?.path, init: init?.path, teacher: teacher?.path, checkpointEvery };
  return writeSafetensors(entries, { run: JSON.stringify(told) });
}

/** What a rank starts a run with. @throws FormatError */
export function readRunMessage(bytes: Uint8Array): StartFiles & { config: RunConfig; checkpointEvery?: number } {
  const { tensors, metadata } = readSafetensors(bytes, "rank 0's run");
  const told = JSON.parse(metadata.run) as {
    config: unknown;
    network?: string;
    init?: string;
    teacher?: string;
    checkpointEvery?: number;
  };
  const file = (name: string): Uint8Array | undefined => tensors.get(name)?.data as Uint8Array | undefined;
  const [network, init, teacher, checkpoint] = ["network", "init", "teacher", "checkpoint"].map(file);
  const config = parseConfig(told.config, "rank 0's configuration");
  // Rank 0 has compared them; the checkpoint of a run that is extended still names the shorter one.
  const own = { config, configHash: configHash(config) };
  return {
    config,
    ...(network && told.network !== undefined && { network: { kind: "onnx", path: told.network, bytes: network } }),
    ...(init && told.init !== undefined && { init: readModel(init, told.init) }),
    ...(teacher && told.teacher !== undefined && { teacher: readModel(teacher, told.teacher) }),
    ...(checkpoint && { checkpoint: { ...loadCheckpoint(checkpoint, "rank 0's checkpoint"), ...own } }),
    ...(told.checkpointEvery !== undefined && { checkpointEvery: told.checkpointEvery }),
  };
}
