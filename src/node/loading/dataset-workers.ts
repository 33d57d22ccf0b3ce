/** @file A data set whose examples are made in worker threads, from a module of the user's. */
import { parentPort, Worker, workerData } from "node:worker_threads";
import { anything, check, checkOptions, integer, type OptionRules, record, refuse } from "../../core/checks.js";
import { ArgumentError, DataError } from "../../core/errors.js";
import { Rng } from "../../core/rng.js";
import { collate } from "../../data/collate.js";
import type { BatchFields, MapDataset } from "../../data/index.js";
import { Crew, sayLoaded } from "./crew.js";
import { errorOf, type Failure, failureOf } from "./failure.js";

/** Choices of {@link openDatasetWorkers}. */
export interface DatasetWorkerOptions {
  /** Threads. @default 2 */
  readonly workers?: number;
  /** Handed to the module's function, copied as messages between threads are. */
  readonly data?: unknown;
}

const RULES: OptionRules<DatasetWorkerOptions> = { workers: integer(1, 64), data: anything };

/** A data set in worker threads. */
export interface WorkerDataset extends MapDataset {
  /** Ends the threads. Batches that are still wanted fail. */
  close(): Promise<void>;
}

/** What a worker is started with. */
interface Start {
  readonly exampleModule: string;
  readonly data: unknown;
}

interface Request {
  readonly id: number;
  readonly rows: readonly number[];
  /** State of each example's stream. */
  readonly states: readonly (readonly number[])[];
}

type Reply =
  | { readonly id: number; readonly fields: BatchFields }
  | { readonly id: -1; readonly length: number; readonly name: string | undefined }
  | { readonly id: number; readonly failure: Failure };

/**
 * Opens a data set in worker threads, for transforms that take long: decoding, resampling, features. Batches come out
 * in their order and with the same bits as without threads, if the examples depend on index and stream alone. Threads
 * are asked in turn; let `datasetLoader` have as many batches ahead (`prefetch`) as there are threads. They run the file
 * that this library is in: not for programs that are bundled into one file with it, unless that file does nothing else
 * in a worker.
 *
 * @param module URL of a module of JavaScript; its default export is called with `data`, once in each thread, and gives
 *   a data set with `length` and `get(index, rng)`, or a promise of it
 * @returns a data set to be closed; it does not keep the process alive
 * @throws ArgumentError on bad options, or if the module gives no data set; DataError if it cannot be loaded, and in an
 *   epoch what `get` threw, or that a thread was lost
 * @example
 * // sounds.mjs: export default (files) => ({ length: files.length, get: (i, rng) => ({ x: features(files[i]), y: 0 }) });
 * const dataset = await openDatasetWorkers(new URL("./sounds.mjs", import.meta.url), { workers: 4, data: files });
 * await fit(net, datasetLoader(dataset, { shuffle: true, prefetch: 4 }), { epochs: 10, optimizer });
 * await dataset.close();
 */
export async function openDatasetWorkers(
  module: URL | string,
  options: DatasetWorkerOptions = {},
): Promise<WorkerDataset> {
  const op = "openDatasetWorkers";
  const url = urlOf(op, module);
  checkOptions<DatasetWorkerOptions>(op, options, RULES);
  const { workers: count = 2, data } = options;
  const what = "a thread that makes examples was lost";
  const crew = new Crew<BatchFields>((got) => new DataError({ op: url, what, got }));
  try {
    const infos = await Promise.all(
      Array.from({ length: count }, () => begun(crew, url, { exampleModule: url, data })),
    );
    const [{ length, name = url }] = infos;
    return {
      length,
      name,
      batch: (rows, rngs) => {
        const states = rngs.map((rng) => rng.state());
        return crew.ask((id) => ({ id, rows, states }) satisfies Request);
      },
      close: () => crew.close(),
    };
  } catch (error) {
    await crew.close();
    throw error;
  }
}

function urlOf(op: string, module: unknown): string {
  try {
    const { href, protocol } = new URL(
      String(module instanceof URL ? module.href : typeof module === "string" ? module : ""),
    );
    if (["file:", "data:"].includes(protocol)) return href;
  } catch {
    // Refused below.
  }
  return refuse(
    op,
    "module",
    'a URL of a file: new URL("./module.mjs", import.meta.url)',
    module instanceof URL ? module.href : module,
  );
}

/** Starts a thread. @returns what it says of the data set, when it has opened it */
function begun(
  crew: Crew<BatchFields>,
  url: string,
  start: Start,
): Promise<{ length: number; name: string | undefined }> {
  return new Promise((resolve, reject) => {
    let worker: Worker;
    try {
      worker = new Worker(new URL(import.meta.url), { workerData: start, execArgv: [] });
    } catch (error) {
      // Data that cannot be copied to another thread.
      reject(
        new ArgumentError({
          op: "openDatasetWorkers",
          what: "bad data",
          expected: "data that can be copied",
          got: (error as Error).message,
        }),
      );
      return;
    }
    const hear = (reply: Reply): void => {
      if ("fields" in reply) crew.settle(worker, reply.id, { result: reply.fields });
      else if ("length" in reply) {
        crew.rest(worker);
        resolve(reply);
      } else {
        const error = errorOf(url, reply.failure);
        if (reply.id === -1) reject(error);
        crew.settle(worker, reply.id, { error });
      }
    };
    crew.add(worker, hear, reject);
    // Until it has opened the data set, it is waited for.
    worker.ref();
  });
}

/** Makes batches until the parent ends the thread. */
async function serve({ exampleModule, data }: Start): Promise<void> {
  const port = parentPort;
  const fail = (id: number, error: unknown): void =>
    port?.postMessage({ id, failure: failureOf(error) } satisfies Reply);
  try {
    const { default: open } = (await import(exampleModule)) as { default?: unknown };
    if (typeof open !== "function") refuse(exampleModule, "default export", "a function that gives a data set", open);
    const dataset = (await (open as (data: unknown) => unknown)(data)) as MapDataset;
    check(exampleModule, "data set", dataset, record);
    check(exampleModule, "length of the data set", dataset.length, integer(1, 2 ** 31 - 1));
    const { get, name } = dataset;
    if (typeof get !== "function") return refuse(exampleModule, "get of the data set", "a function", get);
    port?.on("message", async ({ id, rows, states }: Request) => {
      try {
        const examples = await Promise.all(rows.map((n, k) => get.call(dataset, n, Rng.from(states[k]))));
        const fields = collate(name ?? exampleModule, examples, rows);
        const memory = [...fields.inputs, fields.y].map((array) => array.data.buffer as ArrayBuffer);
        port.postMessage({ id, fields } satisfies Reply, memory);
      } catch (error) {
        fail(id, error);
      }
    });
    port?.postMessage({ id: -1, length: dataset.length, name } satisfies Reply);
  } catch (error) {
    fail(-1, error);
  }
}

// The file that holds this is also the one that the threads run.
const start = workerData as Partial<Start> | null;
if (parentPort !== null && typeof start?.exampleModule === "string") {
  sayLoaded();
  void serve(start as Start);
}
