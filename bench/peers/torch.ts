/** @file PyTorch in a process of its own, which torch_steps.py serves. */
import path from "node:path";
import { here } from "./libraries.js";
import { type Served, startServed } from "./served.js";

/** The program to run Python with. */
export const python = process.env["PYTHON"] ?? "python3";
/** The script that has the works in PyTorch. */
export const torchScript = path.join(here, "torch_steps.py");

/** Starts PyTorch with one thread. @returns null if this Python has none */
export function startTorch(): Promise<Served | null> {
  return startServed("PyTorch", python, [torchScript, "--serve"]);
}
