/** @file Starting ranks with mpirun, for tests. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { root } from "../../scripts/run.mjs";
import { lacks } from "../tools.js";

/** A launcher by its make. */
export interface Mpi {
  readonly name: "Open MPI" | "MPICH";
  readonly command: string;
  readonly options: readonly string[];
  readonly library: string;
}

const found = (command: string): string | undefined =>
  (process.env.PATH ?? "")
    .split(":")
    .map((folder) => path.join(folder, command))
    .find((file) => existsSync(file));

const KINDS: readonly Mpi[] = [
  { name: "Open MPI", command: "mpirun.openmpi", options: ["--oversubscribe", "--quiet"], library: "libmpi.so.40" },
  { name: "MPICH", command: "mpirun.mpich", options: [], library: "libmpich.so.12" },
];

/** Both makes; tests of those that are missing are skipped by name. */
export const MPIS = KINDS.map((mpi) => ({ ...mpi, missing: lacks(mpi.name, found(mpi.command) !== undefined) }));

/** Root may run ranks; in a container there is no ptrace for copies between processes. */
export const MPI_ENV = {
  OMPI_ALLOW_RUN_AS_ROOT: "1",
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1",
  OMPI_MCA_btl_vader_single_copy_mechanism: "none",
};

/** What a run came to. */
export interface Ended {
  readonly code: number | null;
  /** What its ranks printed, by rank. */
  readonly ranks: readonly (readonly [rank: number, size: number, carrier: string, result: unknown])[];
  readonly stderr: string;
  readonly seconds: number;
}

/** A program of ranks in a folder of its own, below node_modules. */
export class Ranks {
  readonly file: string;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.file = path.join(folder, "rank.mjs");
  }
  /** Its version of coarsegrad is what the variable RANK_VERSION says. */
  static async bundle(entry = "mpi-rank.ts"): Promise<Ranks> {
    mkdirSync(path.join(root, "build"), { recursive: true });
    const ranks = new Ranks(mkdtempSync(path.join(root, "build", "ranks-")));
    await build({
      entryPoints: [path.join(import.meta.dirname, entry)],
      outfile: ranks.file,
      bundle: true,
      format: "esm",
      platform: "node",
      target: "es2022",
      external: ["koffi"],
      define: { COARSEGRAD_VERSION: "process.env.RANK_VERSION" },
    });
    return ranks;
  }
  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** A rank's own command. */
  program(...args: readonly string[]): string[] {
    return [process.execPath, this.file, ...args];
  }

  /** Runs a command to its end. */
  run([command, ...args]: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    const start = performance.now();
    const child = spawn(command, args, {
      cwd: this.#folder,
      env: { PATH: process.env.PATH, HOME: this.#folder, NODE_OPTIONS: "", NO_COLOR: "1", ...MPI_ENV, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (text) => {
      stdout += text;
    });
    child.stderr.on("data", (text) => {
      stderr += text;
    });
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => {
        // Launchers and transports begin lines with brackets too.
        const lines = stdout.split("\n").filter((line) => /^\[\d+,\d+,"/.test(line));
        try {
          const ranks = lines.map((line) => JSON.parse(line)).sort(([a], [b]) => a - b);
          resolve({ code, ranks, stderr, seconds: (performance.now() - start) / 1000 });
        } catch (error) {
          reject(error);
        }
      });
    });
  }
  /** Runs `size` ranks with one make of MPI. */
  launch(mpi: Mpi, size: number, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    return this.run([mpi.command, ...mpi.options, "-np", String(size), ...this.program(...args)], env);
  }
}
