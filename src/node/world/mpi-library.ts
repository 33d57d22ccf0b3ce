/** @file Finding the library of MPI: Open MPI's or MPICH's, whichever is there, the launcher's own first. */
import { WorldError } from "../../core/errors.js";
import { type ForeignLibrary, type Koffi, loadForGood } from "./mpi-koffi.js";
import type { Flavour } from "./mpi-launcher.js";

/** A library of MPI. */
export interface MpiLibrary {
  /** The name by which it was loaded. */
  readonly file: string;
  readonly flavour: Flavour;
  readonly library: ForeignLibrary;
}

/** Names an MPI library that is found under no usual name. */
export const LIBRARY_VARIABLE = "COARSEGRAD_MPI_LIBRARY";

const HOMEBREW = ["/opt/homebrew/opt", "/usr/local/opt"];

/** Names of the libraries; Intel MPI and MVAPICH have MPICH's. */
const NAMES: Readonly<Record<"linux" | "darwin", Readonly<Record<Flavour, readonly string[]>>>> = {
  linux: { "Open MPI": ["libmpi.so.40"], MPICH: ["libmpich.so.12", "libmpi.so.12"] },
  darwin: {
    "Open MPI": ["libmpi.40.dylib", ...HOMEBREW.map((root) => `${root}/open-mpi/lib/libmpi.40.dylib`)],
    MPICH: ["libmpi.12.dylib", ...HOMEBREW.map((root) => `${root}/mpich/lib/libmpi.12.dylib`)],
  },
};

/** The names to try, the preferred library's first. */
export function libraryNames(preferred: Flavour | null, platform: NodeJS.Platform = process.platform): string[] {
  const names = platform === "darwin" ? NAMES.darwin : platform === "linux" ? NAMES.linux : null;
  if (names === null) return [];
  const order: readonly Flavour[] = preferred === "MPICH" ? ["MPICH", "Open MPI"] : ["Open MPI", "MPICH"];
  return order.flatMap((flavour) => names[flavour]);
}

/** Open MPI's handles are addresses of variables, MPICH's are integers: the variable tells which it is. */
export function flavourOf(library: ForeignLibrary): Flavour {
  try {
    library.symbol("ompi_mpi_comm_world");
    return "Open MPI";
  } catch {
    return "MPICH";
  }
}

/**
 * Loads the library of MPI.
 *
 * @param named by the caller; else by the environment, else the usual names are tried
 * @param preferred the launcher's
 * @throws WorldError that names the files that were tried
 */
export function loadMpi(koffi: Koffi, named: string | undefined, preferred: Flavour | null): MpiLibrary {
  const only = named ?? process.env[LIBRARY_VARIABLE];
  const names = only === undefined ? libraryNames(preferred) : [only];
  const failures: string[] = [];
  // UCX, a transport of both makes, would take over the signal by which V8 bounds WebAssembly's memory.
  process.env.UCX_ERROR_SIGNALS ??= "";
  // It also rewrites the code of mmap and others in place, beside which V8's threads, already running, may crash.
  process.env.UCX_MEM_EVENTS ??= "no";
  for (const file of names) {
    try {
      const library = loadForGood(koffi, file);
      return { file, flavour: flavourOf(library), library };
    } catch (error) {
      failures.push(`${file}: ${(error as Error).message.split("\n")[0]}`);
    }
  }
  throw new WorldError({
    op: "mpi",
    what: "no library of MPI",
    expected: "Open MPI or MPICH",
    got: failures.join(", ") || `none known on ${process.platform}`,
    hint: `install one on every machine (Debian and Ubuntu: apt install openmpi-bin; macOS: brew install open-mpi), or name its file in ${LIBRARY_VARIABLE}`,
  });
}
