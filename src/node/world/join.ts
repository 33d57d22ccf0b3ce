/** @file Which world a script is in: threads of a launcher, processes of MPI, or alone. */
import { checkOptions } from "../../core/checks.js";
import { aloneWorld, type World } from "../../world/world.js";
import { launchedWorld } from "./launch.js";
import { MPI_OPTIONS, type MpiOptions, mpiWorld } from "./mpi.js";
import { launcherOf } from "./mpi-launcher.js";

/** Options of {@link joinWorld}. */
export interface JoinOptions extends MpiOptions {}

/**
 * The world of this script: the threads of `coarsegrad launch`, the processes that `mpirun` or `srun` started, or one
 * rank alone. So a script is the same on a laptop and on a cluster.
 *
 * @param options for ranks of MPI: threads have the limit of their launcher
 * @throws WorldError if it was started as a rank and cannot be one (see {@link mpiWorld}); ArgumentError
 */
export async function joinWorld(options: JoinOptions = {}): Promise<World> {
  checkOptions<JoinOptions>("joinWorld", options, MPI_OPTIONS);
  // A thread sees the variables of its process's launcher as well: threads go first.
  const launched = launchedWorld();
  if (launched !== null) return launched;
  return launcherOf() === null ? aloneWorld() : mpiWorld(options);
}
