/** @file What started this process as one of several, read from the environment. */

/** The two libraries that programs of MPI are compiled for. */
export type Flavour = "Open MPI" | "MPICH";

/** A program that starts ranks. */
export interface Launcher {
  readonly name: string;
  /** The library whose launcher it is, if it is one's. */
  readonly flavour: Flavour | null;
  /** Ranks that it started; null if it does not say. */
  readonly size: number | null;
  /** This one among them. */
  readonly rank: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * By their variables, the innermost first: mpirun starts its daemons by srun where Slurm reigns, so that srun's
 * variables are there as well, but count daemons.
 */
const LAUNCHERS: readonly { name: string; flavour: Flavour | null; size: string | null; rank: string }[] = [
  { name: "Open MPI's mpirun", flavour: "Open MPI", size: "OMPI_COMM_WORLD_SIZE", rank: "OMPI_COMM_WORLD_RANK" },
  { name: "MPICH's mpirun", flavour: "MPICH", size: "PMI_SIZE", rank: "PMI_RANK" },
  { name: "srun", flavour: null, size: "SLURM_STEP_NUM_TASKS", rank: "SLURM_PROCID" },
  { name: "a launcher with PMIx", flavour: null, size: null, rank: "PMIX_RANK" },
];

const count = (text: string | undefined): number | null =>
  text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : null;

/** The launcher of this process; null if none started it. A task of srun that is the only one counts as none. */
export function launcherOf(env: Environment = process.env): Launcher | null {
  for (const { name, flavour, size: sizeName, rank: rankName } of LAUNCHERS) {
    const size = sizeName === null ? null : count(env[sizeName]);
    const rank = count(env[rankName]);
    if (rank === null || (sizeName !== null && size === null)) continue;
    if (name === "srun" && size === 1) return null;
    return { name, flavour, size, rank };
  }
  return null;
}
