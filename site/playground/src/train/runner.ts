/** @file The page's side of training: one worker for the run that goes on, another for what is looked up meanwhile. */
import { type Connection, connect } from "coarsegrad/worker";
import type { GateMode } from "./gate.js";
import type { RunRecord, WeightsView } from "./record.js";
import type { TrainHandlers } from "./worker.js";

const start = (): Connection<TrainHandlers> =>
  connect<TrainHandlers>(new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }));

/** The run that goes on. */
export interface LiveRun {
  readonly id: string;
  gate(mode: GateMode): void;
  /** Ends it at the next step, which it keeps. */
  stop(): void;
  /** Ends it at once; what it was about to write is not kept. */
  kill(): void;
  /** Settles when its worker has ended. */
  readonly ended: Promise<void>;
}

/** Starts or goes on with a run. */
export function startRun(
  record: RunRecord,
  mode: GateMode,
  onRecord: (record: RunRecord) => void,
  onWeights: (view: WeightsView) => void,
): LiveRun {
  const worker = start();
  const stop = new AbortController();
  const ended = worker
    .call("train", record, { signal: stop.signal, onRecord, onWeights }, mode)
    .finally(() => worker.terminate());
  return {
    id: record.id,
    gate: (next) => void worker.call("gate", next),
    stop: () => stop.abort(),
    kill: () => worker.terminate(),
    ended,
  };
}

let helper: Connection<TrainHandlers> | null = null;

/** The worker for files and weights of finished runs, made when it is first needed. */
export function helperWorker(): Connection<TrainHandlers> {
  helper ??= start();
  return helper;
}

/** Ends that worker, if there is one; the next question starts another. */
export function endHelper(): void {
  helper?.terminate();
  helper = null;
}
