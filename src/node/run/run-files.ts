/** @file The files of a run: their names, reading their JSON, and work on the disk whose errors name the folder. */
import { CoarsegradError, DataError, FormatError } from "../../core/errors.js";
import { readJson } from "../../io/json.js";
import { readFileBytes } from "../files.js";

/** Names of the files of a run. */
export const RUN_FILES = {
  config: "config.json",
  metrics: "metrics.jsonl",
  checkpoint: "checkpoint.safetensors",
  summary: "summary.json",
  model: "model.cgm",
  network: "network.onnx",
} as const;

export type RunFile = keyof typeof RUN_FILES;

/** Reads a JSON file. @throws DataError if it is missing, FormatError if it is not JSON */
export async function readJsonFile(path: string): Promise<unknown> {
  const bytes = await readFileBytes(path);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new FormatError({ op: path, what: "is not JSON", expected: "UTF-8", got: (error as Error).message });
  }
  return readJson(text, path, "");
}

/** Work on the file system whose errors name the folder. */
export async function inFolder(folder: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof CoarsegradError) throw error;
    throw new DataError({ op: folder, what: "cannot be written", got: (error as Error).message });
  }
}
