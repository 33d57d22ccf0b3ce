/**
 * @file A rank that times sums: ours along the tree of shards, and MPI_Allreduce, whose order of adding depends on the
 * number of ranks. Started by scripts/bench-ranks.mjs with the lengths; rank 0 prints medians as JSON.
 */
import { joinWorld } from "coarsegrad/node";
import koffi from "koffi";

const [file, repeats, ...lengths] = process.argv.slice(2);
const REPEATS = Number(repeats);
const world = await joinWorld();

/** Sums by MPI itself, called as ours is: on another thread. */
function allreduceOf() {
  const library = koffi.load(file, { lazy: true, global: true });
  let handles = { world: 0x44000000, float: 0x4c00040a, sum: 0x58000003 };
  let handle = "int";
  try {
    const [comm, float, sum] = ["comm_world", "float", "op_sum"].map((name) => library.symbol(`ompi_mpi_${name}`));
    handles = { world: comm, float, sum };
    handle = "void *";
  } catch {
    // MPICH
  }
  const allreduce = library.func(`int MPI_Allreduce(void *, void *, int, ${handle}, ${handle}, ${handle})`);
  return (own, sum) =>
    new Promise((resolve, reject) => {
      const done = (error, code) => (error || code ? reject(error ?? new Error(`code ${code}`)) : resolve(sum));
      allreduce.async(own, sum, own.length, handles.float, handles.sum, handles.world, done);
    });
}

const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];

/** Median milliseconds until the slowest rank has its sum. */
async function timeOf(call) {
  const times = [];
  for (let i = 0; i < REPEATS + 3; i++) {
    await world.gather(new Uint8Array(0));
    const start = performance.now();
    await call();
    if (i >= 3) times.push(performance.now() - start);
  }
  const all = await world.gather(new Uint8Array(Float64Array.from(times).buffer));
  const slowest = times.map((_, i) => Math.max(...all.map((bytes) => new Float64Array(bytes.slice().buffer)[i])));
  return median(slowest);
}

const allreduce = allreduceOf();
const results = [];
for (const length of lengths.map(Number)) {
  const own = new Float32Array(length).fill(1 / (world.rank + 3));
  const sum = new Float32Array(length);
  // As many shards as ranks: one piece each.
  const ours = await timeOf(() => world.sum([own], length, world.size));
  const theirs = await timeOf(() => allreduce(own, sum));
  results.push({ bytes: 4 * length, ours, theirs });
}
if (world.rank === 0) console.log(JSON.stringify(results));
await world.close();
