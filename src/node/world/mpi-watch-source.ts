/**
 * @file What the watching thread of a rank runs, as text: it waits beside the rank and ends the run when a call to
 * other ranks takes too long, even while the rank itself is blocked inside MPI.
 */

/** Places in the shared memory between a rank and its watch. */
export const PLACE = {
  /** Set to end the watch. */
  stop: 0,
  /** Counts beginnings and ends of calls: odd while one is under way. */
  calls: 1,
  /** Which call it is: index into the names. */
  name: 2,
  /** Set when the rank ends the run itself: then it has {@link GRACE_SECONDS}. */
  ending: 3,
  rank: 4,
  /** How many neighbours follow. */
  neighbours: 5,
  /** Pairs of rank and process of those on the same machine. */
  first: 6,
} as const;

/** Neighbours that are known to a watch. */
export const MOST_NEIGHBOURS = 256;

/** Time in which MPI_Abort must have ended this process; then it ends itself. */
export const GRACE_SECONDS = 5;

/**
 * Time is counted in ticks, not read from a clock: a rank that was stopped and goes on did not wait. Ranks do not speak
 * all at once: 0 first, 1 a second later, then the rest.
 */
export const watchSource = `
"use strict";
const { readFileSync, writeSync } = require("node:fs");
const { workerData } = require("node:worker_threads");
const { memory, names, limitSeconds, koffi, file } = workerData;
const PLACE = ${JSON.stringify(PLACE)};
const state = new Int32Array(memory);
const period = Math.min(500, 125 * limitSeconds);
const pause = (ms) => Atomics.wait(state, PLACE.stop, 0, ms) === "timed-out";

/** Neighbours that Linux says are stopped, or wait for a disk. */
function stopped() {
  const found = [];
  for (let i = 0; i < state[PLACE.neighbours]; i++) {
    const [rank, pid] = state.subarray(PLACE.first + 2 * i, PLACE.first + 2 * i + 2);
    let letter = "";
    try {
      letter = readFileSync("/proc/" + pid + "/stat", "utf8").replace(/^.*\\) /s, "")[0];
    } catch {}
    if (letter === "T") found.push("rank " + rank + " is stopped (process " + pid + ")");
    if (letter === "D") found.push("rank " + rank + " waits for a disk (process " + pid + ")");
  }
  return found;
}

function endRun() {
  const who = stopped();
  const got = who.length > 0 ? who.join(", ") : "none; look for a rank that hangs, or is lost, on the other machines";
  writeSync(2, "WorldError: " + names[state[PLACE.name]] + ": waited too long; expected every rank within " + limitSeconds
    + " s, got " + got + "; rank " + state[PLACE.rank] + " ends the run, which resumes with any number of ranks\\n");
  pause(200);
  try {
    const library = require(koffi).load(file, { lazy: true, global: true });
    let world = 0x44000000;
    try {
      world = library.symbol("ompi_mpi_comm_world");
    } catch {}
    const abort = library.func("int MPI_Abort(" + (typeof world === "number" ? "int" : "void *") + ", int)");
    abort.async(world, 1, () => {});
    if (!pause(${1000 * GRACE_SECONDS})) return;
  } catch {}
  process.kill(process.pid, "SIGKILL");
}

let seen = -1;
let ticks = 0;
while (pause(period)) {
  const calls = Atomics.load(state, PLACE.calls);
  const ending = Atomics.load(state, PLACE.ending) !== 0;
  ticks = ending || (calls % 2 !== 0 && calls === seen) ? ticks + 1 : 0;
  seen = calls;
  if (ending) {
    if (ticks * period > ${1000 * GRACE_SECONDS}) process.kill(process.pid, "SIGKILL");
  } else if (ticks * period >= 1000 * (limitSeconds + Math.min(2, state[PLACE.rank]))) {
    endRun();
    break;
  }
}
`;
