/** @file Joining the ranks that mpirun or srun started. */
import { hostname } from "node:os";
import { checkOptions, text, within } from "../../core/checks.js";
import { WorldError } from "../../core/errors.js";
import { version } from "../../core/version.js";
import { agree } from "../../world/agree.js";
import { gatherJson, type World } from "../../world/world.js";
import { MpiCalls } from "./mpi-calls.js";
import { loadKoffi } from "./mpi-koffi.js";
import { type Launcher, launcherOf } from "./mpi-launcher.js";
import { LIBRARY_VARIABLE, loadMpi } from "./mpi-library.js";
import { Watch } from "./mpi-watch.js";
import { MpiWorld } from "./mpi-world.js";

/** Options of {@link mpiWorld}. */
export interface MpiOptions {
  /**
   * Seconds that a rank waits for the others in one call; then it ends the run on all of them with a non-zero code. More
   * than the slowest thing that one rank does while others wait, such as testing or writing.
   * @default 60
   */
  readonly limitSeconds?: number;
  /** File of the MPI library. @default the variable COARSEGRAD_MPI_LIBRARY, else Open MPI or MPICH by their names */
  readonly library?: string;
}

/** The rules of {@link MpiOptions}. */
export const MPI_OPTIONS = { limitSeconds: within(0.1, 86_400), library: text };

/** MPI can be begun once in a process. */
let joined = false;

/**
 * Joins the ranks that `mpirun` (of Open MPI or MPICH) or `srun` started. Needs the package `koffi` and an MPI library
 * on every machine. A rank that throws, is killed, leaves without `close()`, or does not come to a call for
 * `limitSeconds` ends the run on all ranks with a non-zero code.
 *
 * @returns after all ranks have come and have the same version of coarsegrad
 * @throws WorldError without a launcher, koffi or a library, or if the library is not the launcher's; ArgumentError
 */
export async function mpiWorld(options: MpiOptions = {}): Promise<World> {
  checkOptions<MpiOptions>("mpiWorld", options, MPI_OPTIONS);
  const { limitSeconds = 60, library: named } = options;
  const launcher = launcherOf();
  if (launcher === null) {
    const hint = "mpirun -np 4 node script.js";
    throw new WorldError({ op: "mpi", what: "no launcher", expected: "a process that mpirun or srun started", hint });
  }
  if (joined) throw new WorldError({ op: "mpi", what: "joined before", hint: "a process can join MPI once" });
  const library = loadMpi(await loadKoffi(), named, launcher.flavour);
  const calls = new MpiCalls(library);
  joined = true;
  const watch = new Watch(library.file, limitSeconds, launcher.rank);
  const world = await begun(calls, watch);
  try {
    checkSize(launcher, world.size, `${library.flavour} (${library.file})`);
    const places = await gatherJson(world, { host: hostname(), pid: process.pid });
    watch.know(places.flatMap(({ host, pid }, other) => (host === hostname() ? [{ rank: other, pid }] : [])));
    await agree(world, "the version of coarsegrad", version, "install one version on every machine");
  } catch (error) {
    // The same on every rank: all of them come to close.
    await world.close();
    throw error;
  }
  return world;
}

/** Joins; this blocks until all have come. */
async function begun(calls: MpiCalls, watch: Watch): Promise<MpiWorld> {
  try {
    watch.begin("MPI_Init");
    const { rank, size } = calls.init();
    watch.end();
    return new MpiWorld(calls, watch, rank, size);
  } catch (error) {
    await watch.close();
    throw error;
  }
}

/**
 * A library under the other's launcher silently makes each rank a run of its own.
 *
 * @throws WorldError
 */
function checkSize(launcher: Launcher, size: number, library: string): void {
  if (launcher.size === null || launcher.size === size) return;
  throw new WorldError({
    op: "mpi",
    what: `${library} does not know its launcher`,
    expected: `${launcher.size} ranks, which ${launcher.name} started`,
    got: `${size}`,
    hint: `use mpirun and library of one make (mpirun.openmpi or mpirun.mpich on Debian, srun --mpi=pmix or --mpi=pmi2 with Slurm), or name the library in ${LIBRARY_VARIABLE}`,
  });
}
