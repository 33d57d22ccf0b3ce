/**
 * @file Training steps by several ranks beside one: of a whole batch, of its shards one after the other, and of its
 * shards on as many threads as are asked for. The three take turns, so that a machine that slows down does so for all.
 */
import { isMainThread, Worker, workerData } from "node:worker_threads";
import type { BatchLoader } from "../../data/loader.js";
import { shardsFor } from "../../run/shards.js";
import { fit as train } from "../../train/fit.js";
import { abortWorld, type SharedWorld, shareWorld, threadWorld } from "../../world/threads.js";
import { aloneWorld, broadcast, type World } from "../../world/world.js";
import { calibrate } from "./calibrate.js";
import { type BenchOptions, engineInfo, filledBytes, type Row, round } from "./harness.js";
import { TRAIN_SPECS, type TrainSpec, trainNetwork, trainWork } from "./train.js";

interface RankData {
  readonly shared: SharedWorld;
  readonly rank: number;
}

/** What the ranks are to do next; null: leave. */
interface Order {
  readonly spec: TrainSpec;
  readonly steps: number;
}

/** Turns that the three ways take. */
const TURNS = 5;

const rankData = (): RankData | undefined =>
  isMainThread ? undefined : ((workerData as { benchRank?: RankData } | null)?.benchRank ?? undefined);

/** True in a worker that is a rank of a benchmark: it does nothing else. */
export function isBenchWorker(): boolean {
  return rankData() !== undefined;
}

async function tell(world: World, order: Order | null): Promise<void> {
  await broadcast(world, new TextEncoder().encode(JSON.stringify(order)));
}

async function follow({ shared, rank }: RankData): Promise<void> {
  const world = threadWorld(shared, rank);
  try {
    for (;;) {
      const order = JSON.parse(new TextDecoder().decode(await broadcast(world, null))) as Order | null;
      if (order === null) break;
      await steps(order.spec, order.steps, world, shardsFor(order.spec.batch));
    }
    await world.close();
  } catch (error) {
    world.abort(error);
  }
}

/** Networks stay from turn to turn. */
const trained = new Map<string, ReturnType<typeof trainNetwork>>();

/** Trains for some steps. @returns milliseconds of each but the first, which is waited for by nobody */
async function steps(spec: TrainSpec, count: number, world: World, shards: number): Promise<number[]> {
  const key = `${trainWork(spec)} ${shards} ${world.size}`;
  const { net, optimizer, shape } = trained.get(key) ?? trainNetwork(spec, 1);
  trained.set(key, { net, optimizer, shape });
  const images = filledBytes(shape.reduce((size, extent) => size * extent, 1));
  const labels = Int32Array.from({ length: spec.batch }, (_, i) => i % 10);
  const loader: BatchLoader = {
    name: "bench",
    classes: 10,
    imageShape: [shape[1], shape[2], shape[3]],
    batches: count + 1,
    images: (count + 1) * spec.batch,
    async *epoch(epoch) {
      const indices = Uint32Array.from(labels.keys());
      const batch = {
        images,
        labels,
        indices,
        count: spec.batch,
        shape: shape as [number, number, number, number],
        epoch,
      };
      for (let index = 0; index <= count; index++) yield { ...batch, index };
    },
  };
  const times: number[] = [];
  const onProgress = (): void => void times.push(performance.now());
  // Stopped before its last epoch, after which a run looks at its batch norms.
  const callbacks = [{ onEpoch: ({ stop }: { stop: () => void }) => stop() }];
  await train(net, loader, { epochs: 2, optimizer, shards, world, callbacks, onProgress });
  return times.slice(1).map((time, i) => time - times[i]);
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Rows such as `train resnet20 1W4A b128, 4 shards, 2 ranks`. */
export async function benchRanks(options: BenchOptions, size: number): Promise<void> {
  const shared = shareWorld(size, { limitSeconds: 600 });
  const workers = Array.from({ length: size - 1 }, (_, i) => {
    const benchRank: RankData = { shared, rank: i + 1 };
    const worker = new Worker(new URL(import.meta.url), { workerData: { benchRank } });
    worker.on("error", (error) => abortWorld(shared, error, i + 1));
    return worker;
  });
  const world = threadWorld(shared, 0);
  try {
    for (const spec of TRAIN_SPECS.filter(({ taught }) => !taught)) await measureRanks(spec, options, world);
    await tell(world, null);
    await world.close();
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

async function measureRanks(spec: TrainSpec, options: BenchOptions, world: World): Promise<void> {
  const work = trainWork(spec);
  if (!options.wants(work)) return;
  const shards = Math.max(shardsFor(spec.batch), world.size);
  const ways = [
    { name: work, run: (count: number) => steps(spec, count, aloneWorld(), 1) },
    { name: `${work}, ${shards} shards`, run: (count: number) => steps(spec, count, aloneWorld(), shards) },
    {
      name: `${work}, ${shards} shards, ${world.size} ranks`,
      run: async (count: number) => {
        await tell(world, { spec, steps: count });
        return steps(spec, count, world, shards);
      },
    },
  ];
  const [first] = [median(await ways[0].run(3))];
  const count = Math.min(1000, Math.max(3, Math.round(options.time / TURNS / first)));
  const times: number[][] = ways.map(() => []);
  const before = calibrate();
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [i, way] of ways.entries()) times[i].push(...(await way.run(count)));
  }
  const calibration = round(Math.min(before, calibrate()));
  const shape = `${spec.batch} images`;
  for (const [i, { name }] of ways.entries()) {
    const ms = median(times[i]);
    const row: Row = {
      work: name,
      shape,
      ...engineInfo(),
      threads: i === 2 ? world.size : 1,
      calibration,
      cpuShare: Number.NaN,
      ms: round(ms),
      msMin: round(Math.min(...times[i])),
      samples: times[i].length,
      imagesPerSecond: round((spec.batch / ms) * 1000),
      ...(i > 0 && { speedup: round(median(times[0]) / ms) }),
    };
    options.onRow(row);
  }
  for (const { net, optimizer } of trained.values()) {
    optimizer.dispose();
    net.dispose();
  }
  trained.clear();
}

// The file that holds this is also the one that workers run.
const own = rankData();
if (own !== undefined) void follow(own);
