/** @file Workers that are asked in turn: when they keep the process alive, and what is told of those that are lost. */
import { EventEmitter } from "node:events";
import { setImmediate } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { expect, it } from "vitest";
import { Crew } from "../../src/node/loading/crew.js";

/** A worker that says when it ends, and counts whether it keeps the process alive. */
class StandIn extends EventEmitter {
  alive = true;
  ended = false;
  ending = false;
  readonly asked: unknown[] = [];
  ref(): void {
    this.alive = true;
  }
  unref(): void {
    this.alive = false;
  }
  postMessage(message: unknown): void {
    this.asked.push(message);
  }
  end(code: number): void {
    this.ended = true;
    this.emit("exit", code);
  }
  /** As the worker of Node does: it keeps the process until it has ended. */
  terminate(): Promise<number> {
    this.ref();
    this.ending = true;
    if (this.ended) return Promise.resolve(1);
    return new Promise((resolve) => this.once("exit", resolve));
  }
}

function crewOf(
  count: number,
  loaded = true,
): { crew: Crew<number>; workers: StandIn[]; asThread: (n: number) => Worker; heard: unknown[] } {
  const heard: unknown[] = [];
  const crew = new Crew<number>((why) => new Error(`lost: ${why}`));
  const workers = Array.from({ length: count }, () => new StandIn());
  const asThread = (n: number): Worker => workers[n] as unknown as Worker;
  for (const [n, worker] of workers.entries()) {
    crew.add(asThread(n), (message) => heard.push(message));
    if (loaded) worker.emit("message", "loaded");
  }
  return { crew, workers, asThread, heard };
}

it("keeps the process alive while something is wanted, and not longer", async () => {
  const { crew, workers, asThread } = crewOf(2);
  const alive = (): boolean[] => workers.map((worker) => worker.alive);
  expect(alive()).toEqual([false, false]);
  const answers = [0, 1, 2].map(() => crew.ask((id) => id));
  expect(workers.map(({ asked }) => asked)).toEqual([[0, 2], [1]]);
  expect(alive()).toEqual([true, true]);
  crew.settle(asThread(0), 0, { result: 10 });
  crew.settle(asThread(1), 1, { error: new Error("no disk") });
  expect(alive()).toEqual([true, false]);
  crew.settle(asThread(0), 2, { result: 12 });
  expect(alive()).toEqual([false, false]);
  expect(await Promise.allSettled(answers)).toEqual([
    { status: "fulfilled", value: 10 },
    { status: "rejected", reason: new Error("no disk") },
    { status: "fulfilled", value: 12 },
  ]);
});

it.each([
  ["an answer", 1, (crew: Crew<number>, worker: Worker) => crew.settle(worker, 0, { result: 1 })],
  ["an error", 1, (crew: Crew<number>, worker: Worker) => crew.settle(worker, 0, { error: new Error("late") })],
  ["word that it is ready", 0, (crew: Crew<number>, worker: Worker) => crew.rest(worker)],
])("waits for workers that are being ended, though %s comes meanwhile", async (_, wanted, late) => {
  const { crew, workers, asThread } = crewOf(1);
  const asked = wanted === 0 ? undefined : crew.ask((id) => id).catch((error: Error) => error.message);
  const closed = crew.close();
  await setImmediate();
  late(crew, asThread(0));
  expect(workers[0].alive).toBe(true);
  workers[0].end(1);
  await closed;
  await asked;
});

it("tells whoever waits for a worker, or asks it later, that it is lost", async () => {
  const { crew, workers } = crewOf(2);
  const words = (asked: Promise<number>): Promise<unknown> => asked.catch((error: Error) => error.message);
  const [first, second] = [words(crew.ask((id) => id)), words(crew.ask((id) => id))];
  workers[0].end(7);
  expect(await first).toBe("lost: ended with code 7");
  expect(await words(crew.ask((id) => id))).toBe("lost: ended with code 7");
  const closed = crew.close();
  await setImmediate();
  workers[1].end(1);
  await closed;
  expect(await second).toBe("lost: was closed");
});

it("ends no worker that is still loading: its modules would stay open in this process", async () => {
  const { crew, workers, heard } = crewOf(2, false);
  let closed = false;
  const closing = crew.close().then(() => {
    closed = true;
  });
  await setImmediate();
  expect(workers.map(({ alive, ending }) => [alive, ending])).toEqual([
    [true, false],
    [true, false],
  ]);
  workers[0].emit("message", "loaded");
  // One that is lost while it loads has nothing to say any more.
  workers[1].end(1);
  await setImmediate();
  expect([workers[0].ending, closed, heard]).toEqual([true, false, []]);
  workers[0].end(1);
  await closing;
});
