/**
 * @file A rank of the tests: what it does is its first argument. Bundled from the sources and started by mpirun; prints
 * one line of JSON, which begins with its rank.
 */
import { joinWorld } from "../../src/node/world/join.js";
import { agree } from "../../src/world/agree.js";
import { blocksOf, plainTree, shardsOf } from "../../src/world/tree.js";
import { broadcast, type World } from "../../src/world/world.js";
import { LENGTHS, leaf, SHARDS, sumLine } from "./leaves.js";

const [task, limit] = process.argv.slice(2);

/** This rank's pieces of a sum; in shared memory, as those of a heap with threads are. */
function piecesOf(world: World, shards: number, length: number): Float32Array[] {
  const range = shardsOf(shards, world.size, world.rank);
  const tree = plainTree(length);
  for (let shard = range.first; shard < range.end; shard++) {
    const vector = tree.vector();
    vector.set(leaf(shard, length));
    tree.add({ start: shard, size: 1 }, vector);
  }
  if (blocksOf(range).length !== tree.pieces.length) throw new Error("pieces are not blocks");
  return tree.pieces.map((piece) => {
    const shared = new Float32Array(new SharedArrayBuffer(4 * length + 64), 64, length);
    shared.set(piece);
    return shared;
  });
}

async function sums(world: World): Promise<string[]> {
  const lines: string[] = [];
  for (const shards of SHARDS) {
    for (const length of LENGTHS) {
      const sum = await world.sum(piecesOf(world, shards, length), length, shards);
      if (sum.length !== length) throw new Error(`${sum.length} values for ${length}`);
      lines.push(sumLine(shards, length, sum));
    }
  }
  return lines;
}

/** The same by sums whose parts are given from the end on, two sums of each. */
async function sumsInParts(world: World): Promise<string[]> {
  const lines: string[] = [];
  for (const shards of SHARDS) {
    for (const length of LENGTHS) {
      const cuts = [length, Math.ceil(length / 2), Math.floor(length / 3), 0];
      const parts = cuts.slice(1).map((from, i) => ({ from, end: cuts[i] }));
      const sum = inParts(world).call(world, length, shards, parts);
      const pieces = piecesOf(world, shards, length);
      let line = "";
      for (let round = 0; round < 2; round++) {
        for (const { from, end } of parts) {
          for (const [i, piece] of pieces.entries()) sum.pieces[i].set(piece.subarray(from, end), from);
          sum.give();
        }
        const again = sumLine(shards, length, await sum.end());
        if (line !== "" && again !== line) throw new Error("two sums of the same vectors differ");
        line = again;
      }
      lines.push(line);
      sum.dispose();
    }
  }
  return lines;
}

function inParts(world: World): NonNullable<World["sumInParts"]> {
  if (world.sumInParts === undefined) throw new Error("a world without sums in parts");
  return world.sumInParts;
}

/**
 * A part comes while this rank computes without a turn of the event loop, and before the next one is given; then a call
 * between two parts is refused.
 */
async function meanwhile(world: World): Promise<unknown> {
  const LENGTH = 1000;
  const parts = [
    { from: 500, end: LENGTH },
    { from: 0, end: 500 },
  ];
  const sum = inParts(world).call(world, LENGTH, world.size, parts);
  const all = async (value: number): Promise<Float32Array> => {
    sum.pieces[0].fill(value);
    sum.give();
    sum.give();
    return sum.end();
  };
  const result = await all(1);
  sum.pieces[0].fill(2, 500);
  sum.give();
  const start = performance.now();
  const chunks = [500, LENGTH - 1];
  while (chunks.some((at) => result[at] !== 2 * world.size) && performance.now() - start < 20_000);
  const came = [result[0], result[500], result[LENGTH - 1]].map((value) => value / world.size);
  const refused = await world.gather(new Uint8Array(1)).catch((error: Error) => error.message);
  sum.pieces[0].fill(3, 0, 500);
  sum.give();
  const ended = await sum.end();
  sum.dispose();
  return { came, refused, ended: [ended[0], ended[LENGTH - 1]].map((value) => value / world.size) };
}

/** Sums whose parts are under way when a rank is lost. */
async function lostInParts(world: World, lose: () => void): Promise<void> {
  const parts = [
    { from: 50_000, end: 100_000 },
    { from: 0, end: 50_000 },
  ];
  const sum = inParts(world).call(world, 100_000, 8, parts);
  for (let round = 0; ; round++) {
    sum.give();
    if (world.rank === 1 && round === 2) lose();
    sum.give();
    await sum.end();
  }
}

/** Rank r gives r·r bytes of r; rank 2 gives the bytes of a checkpoint. */
async function gathered(world: World): Promise<unknown> {
  const all = await world.gather(new Uint8Array(world.rank ** 2).fill(world.rank));
  const none = await world.gather(new Uint8Array(0));
  const sent = await broadcast(
    world,
    world.rank === world.size - 1 ? new Uint8Array(3e6).fill(7) : null,
    world.size - 1,
  );
  return {
    lengths: all.map(({ length }) => length),
    right: all.every((bytes, rank) => bytes.every((byte) => byte === rank)),
    none: none.map(({ length }) => length),
    sent: [sent.length, sent.every((byte) => byte === 7)],
  };
}

/** A function of WebAssembly that reads beyond its memory, which V8 notices by a signal. */
const BEYOND = [
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 0x01, 5, 1, 0x60, 0, 1, 0x7f, 0x03, 2, 1, 0, 0x05, 3, 1, 0, 1],
  ...[0x07, 5, 1, 1, 0x66, 0, 0, 0x0a, 9, 1, 7, 0, 0x41, 0x7f, 0x28, 2, 0, 0x0b],
];

const sleep = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
/** A sum that waits for all. */
const meet = (world: World): Promise<unknown> => world.sum(piecesOf(world, 8, 100), 100, 8);

/** What a rank does; one that differs from the others is number 1. */
const TASKS: Record<string, (world: World) => Promise<unknown>> = {
  sums,
  sumsInParts,
  meanwhile,
  killInParts: (world) => lostInParts(world, () => process.kill(process.pid, "SIGKILL")),
  stopInParts: (world) => lostInParts(world, () => process.kill(process.pid, "SIGSTOP")),
  throwInParts: (world) =>
    lostInParts(world, () => {
      throw new Error("rank 1 throws between two parts");
    }),
  gather: gathered,
  join: async () => null,
  /** The event loop turns while a rank waits for another. */
  turns: async (world) => {
    let turns = 0;
    const timer = setInterval(() => turns++, 10);
    if (world.rank === 1) await sleep(1);
    await meet(world);
    clearInterval(timer);
    // None of them would come while it is blocked.
    return turns >= 10;
  },
  busy: async (world) => {
    const first = meet(world);
    const refused = await world.gather(new Uint8Array(1)).catch((error: Error) => error.message);
    await first;
    return refused;
  },
  trap: async () => {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(BEYOND)));
    try {
      return (exports as { f(): number }).f();
    } catch (error) {
      return error instanceof WebAssembly.RuntimeError ? "trapped" : String(error);
    }
  },
  differ: async (world) => {
    await agree(world, "a thing", "same");
    return agree(world, "the configuration", world.rank === 1 ? "b" : "a").catch((error: Error) => error.message);
  },
  kill: async (world) => {
    if (world.rank === 1) process.kill(process.pid, "SIGKILL");
    await meet(world);
  },
  throw: async (world) => {
    if (world.rank === 1)
      setTimeout(() => {
        throw new Error("rank 1 throws");
      }, 100);
    if (world.rank === 1) await sleep(60);
    await meet(world);
  },
  reject: async (world) => {
    if (world.rank === 1) throw new Error("rank 1 rejects");
    await meet(world);
  },
  exit: async (world) => {
    if (world.rank === 1) process.exit(0);
    await meet(world);
  },
  abort: async (world) => {
    if (world.rank === 1) world.abort(new RangeError("rank 1 gives up"));
    await meet(world);
  },
  /** While a call of its own is under way. */
  abortWaiting: async (world) => {
    if (world.rank === 0) await sleep(60);
    if (world.rank === 1) setTimeout(() => world.abort(new RangeError("rank 1 gives up")), 200);
    await meet(world);
  },
  stop: async (world) => {
    await meet(world);
    if (world.rank === 1) process.kill(process.pid, "SIGSTOP");
    await meet(world);
  },
  /** Sums until something happens. */
  loop: async (world) => {
    for (;;) await meet(world);
  },
  forget: async (world) => {
    await meet(world);
  },
};

const world = await joinWorld(limit === undefined ? {} : { limitSeconds: Number(limit) });
const result = await TASKS[task](world);
console.log(JSON.stringify([world.rank, world.size, world.carrier, result]));
if (task !== "forget") await world.close();
