/** @file What MPI's ranks are made of, without MPI: launchers, libraries, plans, and what is said when one is missing. */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { joinWorld } from "../../src/node/world/join.js";
import { mpiWorld } from "../../src/node/world/mpi.js";
import { loadKoffi } from "../../src/node/world/mpi-koffi.js";
import { launcherOf } from "../../src/node/world/mpi-launcher.js";
import { libraryNames } from "../../src/node/world/mpi-library.js";
import { sumPlan } from "../../src/node/world/mpi-plan.js";
import { sumBlocks } from "../../src/world/tree.js";
import { Ranks } from "./mpi-tools.js";

describe("launchers", () => {
  const open = { OMPI_COMM_WORLD_SIZE: "4", OMPI_COMM_WORLD_RANK: "3", PMIX_RANK: "3" };
  const step = { SLURM_STEP_NUM_TASKS: "2", SLURM_PROCID: "1" };
  it.each([
    [{}, null],
    [open, { name: "Open MPI's mpirun", flavour: "Open MPI", size: 4, rank: 3 }],
    // mpirun's daemons are tasks of srun, of which there are fewer than ranks.
    [
      { ...open, ...step },
      { name: "Open MPI's mpirun", flavour: "Open MPI", size: 4, rank: 3 },
    ],
    [
      { PMI_SIZE: "2", PMI_RANK: "0" },
      { name: "MPICH's mpirun", flavour: "MPICH", size: 2, rank: 0 },
    ],
    [
      { ...step, PMIX_RANK: "1" },
      { name: "srun", flavour: null, size: 2, rank: 1 },
    ],
    [{ SLURM_STEP_NUM_TASKS: "1", SLURM_PROCID: "0" }, null],
    // A batch script of Slurm, outside srun.
    [{ SLURM_NTASKS: "8", SLURM_PROCID: "0" }, null],
    [{ PMIX_RANK: "2" }, { name: "a launcher with PMIx", flavour: null, size: null, rank: 2 }],
    [{ PMI_SIZE: "many", PMI_RANK: "0" }, null],
  ])("%j", (env, launcher) => {
    expect(launcherOf(env)).toEqual(launcher);
  });

  it("a script without one is alone, and is refused what needs one", async () => {
    const world = await joinWorld();
    expect([world.rank, world.size, world.carrier]).toEqual([0, 1, "alone"]);
    await expect(mpiWorld()).rejects.toThrow(
      "mpi: no launcher; expected a process that mpirun or srun started; mpirun -np 4 node script.js",
    );
    await expect(mpiWorld({ limitSeconds: 0 })).rejects.toThrow(/mpiWorld: bad limitSeconds/);
    await expect(joinWorld({ limit: 1 } as never)).rejects.toThrow(/joinWorld: unknown option/);
  });
});

it("the launcher's library is looked for first", () => {
  expect(libraryNames(null, "linux")).toEqual(["libmpi.so.40", "libmpich.so.12", "libmpi.so.12"]);
  expect(libraryNames("MPICH", "linux")).toEqual(["libmpich.so.12", "libmpi.so.12", "libmpi.so.40"]);
  expect(libraryNames("Open MPI", "darwin")[0]).toBe("libmpi.40.dylib");
  expect(libraryNames("MPICH", "win32")).toEqual([]);
});

/** What Alltoallv and Allgatherv do with the plans of all ranks. */
function exchanged(pieces: readonly (readonly Float32Array[])[], shards: number, length: number): Float32Array {
  const plans = pieces.map((_, rank) => sumPlan(shards, pieces.length, rank, length));
  const result = new Float32Array(length).fill(Number.NaN);
  for (const [rank, { blocks, rounds, chunk, chunks }] of plans.entries()) {
    const received = new Float32Array(blocks.length * chunk).fill(Number.NaN);
    for (const [k, { received: gotten }] of rounds.entries()) {
      for (const [other, { rounds: theirs }] of plans.entries()) {
        const { counts, starts } = theirs[k].sent;
        expect(counts[rank]).toBe(gotten.counts[other]);
        if (counts[rank] === 0) continue;
        const part = pieces[other][k].subarray(starts[rank], starts[rank] + counts[rank]);
        received.set(part, gotten.starts[other]);
      }
    }
    const vectors = blocks.map((_, i) => received.subarray(i * chunk, (i + 1) * chunk));
    result.set(sumBlocks(blocks, vectors), chunks.starts[rank]);
  }
  return result;
}

it("plans send every part of every piece to the rank that adds it up", () => {
  const run = fc.record({
    shards: fc.integer({ min: 0, max: 5 }).map((k) => 2 ** k),
    size: fc.integer({ min: 1, max: 9 }),
    length: fc.integer({ min: 0, max: 20 }),
  });
  fc.assert(
    fc.property(run, ({ shards, size, length }) => {
      const { blocks } = sumPlan(shards, size, 0, length);
      // Small integers: their sums are exact in any order.
      const value = (start: number, i: number): number => start * 32 + i;
      const pieces = Array.from({ length: size }, (_, rank) => {
        const [first, end] = [rank, rank + 1].map((r) => Math.floor((r * shards) / size));
        const own = blocks.filter(({ start }) => start >= first && start < end);
        return own.map(({ start }) => Float32Array.from({ length }, (_, i) => value(start, i)));
      });
      const sum = Float32Array.from({ length }, (_, i) => blocks.reduce((sum, { start }) => sum + value(start, i), 0));
      expect(exchanged(pieces, shards, length)).toEqual(sum);
    }),
  );
});

it("koffi that is in use already is taken as it is", async () => {
  const used = {
    config: () => {
      throw new Error("Cannot change Koffi configuration once a library has been loaded");
    },
  };
  expect(await loadKoffi(async () => ({ default: used }))).toBe(used);
});

describe("what is missing is said with what to install", () => {
  let ranks: Ranks;
  let elsewhere: string;
  beforeAll(async () => {
    ranks = await Ranks.bundle();
    elsewhere = mkdtempSync(path.join(tmpdir(), "coarsegrad-ranks-"));
  });
  afterAll(() => {
    ranks.remove();
    rmSync(elsewhere, { recursive: true, force: true });
  });
  const started = { OMPI_COMM_WORLD_SIZE: "2", OMPI_COMM_WORLD_RANK: "0" };

  it("koffi", async () => {
    const file = path.join(elsewhere, "rank.mjs");
    copyFileSync(ranks.file, file);
    const { code, stderr } = await ranks.run([process.execPath, file, "join"], started);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /WorldError: mpi: no koffi; expected the package koffi, which calls MPI, got Cannot find package 'koffi' .*; install it beside coarsegrad: npm install koffi@3/,
    );
    await expect(loadKoffi(() => Promise.reject(new Error("no binary\nfor this")))).rejects.toThrow(
      /got no binary; inst/,
    );
  });

  it("the library", async () => {
    const env = { ...started, COARSEGRAD_MPI_LIBRARY: "libnothing.so.1" };
    const { code, stderr } = await ranks.run(ranks.program("join"), env);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /WorldError: mpi: no library of MPI; expected Open MPI or MPICH, got libnothing\.so\.1: .*cannot open shared object file.*; install one on every machine \(Debian and Ubuntu: apt install openmpi-bin; /,
    );
  });
});
