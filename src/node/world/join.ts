/** @file Which world a script is in: threads of a launcher, processes of MPI, or alone. */
import { checkOptions } from "../../core/checks.js";
import { aloneWorld, type World } from "../../world/world.js";
import { isLaunched, launchedWorld } from "./launch.js";
import { MPI_OPTIONS, type MpiOptions, mpiWorld } from "./mpi.js";
import { launcherOf } from "./mpi-launcher.js";

/** Options of {@link joinWorld}. */
export interface JoinOptions extends MpiOptions {}

/** A way in which a process, or a thread of it, becomes a rank. */
interface Way {
  /** Whether this is how it was started. */
  here(): boolean;
  join(options: JoinOptions): Promise<World>;
}

/** The first that is here is taken: threads of a launcher go before MPI, whose variables a thread sees as well. */
const WAYS: readonly Way[] = [
  { here: isLaunched, join: async () => launchedWorld() },
  { here: () => launcherOf() !== null, join: mpiWorld },
  { here: () => true, join: async () => aloneWorld() },
];

/**
 * The world of this script: the threads of `coarsegrad launch`, or the ranks of `mpirun` or `srun`, if one of them
 * started it; else a world of one rank. So a script is the same on a laptop and on a cluster.
 *
 * @param options for ranks of MPI: threads have the limit of their launcher
 * @throws WorldError if it was started as a rank and cannot be one (see {@link mpiWorld}); ArgumentError
 */
export async function joinWorld(options: JoinOptions = {}): Promise<World> {
  checkOptions<JoinOptions>("joinWorld", options, MPI_OPTIONS);
  const way = WAYS.find(({ here }) => here()) as Way;
  return way.join(options);
}
