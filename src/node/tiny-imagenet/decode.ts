/** @file Decoding pictures into the bytes of a file, in this thread or in several: the same bytes either way. */
import { type FileHandle, open } from "node:fs/promises";
import { parentPort, Worker, workerData } from "node:worker_threads";
import { DataError, FormatError } from "../../core/errors.js";
import type { ImageShape } from "../../data/dataset.js";
import { decodeImage, recolor } from "../images/picture.js";
import { Crew, sayLoaded } from "../loading/crew.js";
import { errorOf, type Failure, failureOf } from "../loading/failure.js";
import { writePiece } from "../pieces.js";
import { openTiny, type TinyFile, type TinyPlace, type TinyTree } from "./tree.js";

/** Pictures that a thread is given at once: their bytes are some megabytes. */
const CHUNK = 500;
/** Files that are read while others are decoded. */
const AHEAD = 25;

/** Where pictures are decoded from and to: plain data, for threads. */
interface DecodeJob {
  readonly place: TinyPlace;
  /** Takes the pixels; it is there. */
  readonly out: string;
  readonly shape: ImageShape;
}

/** Pictures that stand side by side in the file. */
export interface PictureRun {
  readonly files: readonly TinyFile[];
  /** Where in the file the first one begins. */
  readonly at: number;
}

interface Request extends PictureRun {
  readonly id: number;
}

type Reply = { readonly id: number; readonly count: number } | { readonly id: number; readonly failure: Failure };

/** How pictures are decoded. */
export interface DecodeOptions {
  /** Threads beside this one; 1: this one. */
  readonly threads: number;
  /** Told how many pictures are done. */
  readonly onPictures: (count: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Decodes pictures and writes their pixels.
 *
 * @throws FormatError for a picture that is damaged or of another size; DataError if one cannot be read, or the file
 * written; the signal's reason
 */
export async function decodePictures(
  job: DecodeJob,
  runs: readonly PictureRun[],
  { threads, onPictures, signal }: DecodeOptions,
): Promise<void> {
  const size = job.shape[0] * job.shape[1] * job.shape[2];
  const chunks = runs.flatMap(({ files, at }) =>
    Array.from({ length: Math.ceil(files.length / CHUNK) }, (_, k) => ({
      files: files.slice(k * CHUNK, (k + 1) * CHUNK),
      at: at + k * CHUNK * size,
    })),
  );
  const team = threads > 1 ? teamOf(job, threads) : await ownHands(job);
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    while (next < chunks.length) {
      signal?.throwIfAborted();
      const count = await team.decode(chunks[next++]);
      done += count;
      onPictures(done);
    }
  };
  try {
    // Two chunks for each thread: one is sent while the other is decoded.
    await Promise.all(Array.from({ length: threads > 1 ? 2 * threads : 1 }, work));
  } finally {
    // Nobody begins another one.
    next = chunks.length;
    await team.close();
  }
}

interface Team {
  decode(run: PictureRun): Promise<number>;
  close(): Promise<void>;
}

async function ownHands(job: DecodeJob): Promise<Team> {
  const decoder = await Decoder.open(job);
  return { decode: (run) => decoder.decode(run), close: () => decoder.close() };
}

function teamOf(job: DecodeJob, threads: number): Team {
  const what = "a thread that decodes pictures was lost";
  const crew = new Crew<number>((got) => new DataError({ op: job.place.path, what, got }));
  for (let n = 0; n < threads; n++) {
    const worker = new Worker(new URL(import.meta.url), { workerData: { decoder: job }, execArgv: [], env: {} });
    crew.add(worker, (reply: Reply) => {
      const answer = "count" in reply ? { result: reply.count } : { error: errorOf(job.place.path, reply.failure) };
      crew.settle(worker, reply.id, answer);
    });
  }
  return { decode: (run) => crew.ask((id) => ({ id, ...run }) satisfies Request), close: () => crew.close() };
}

/** Decodes for one thread. */
class Decoder {
  readonly #job: DecodeJob;
  readonly #tree: TinyTree;
  readonly #out: FileHandle;

  private constructor(job: DecodeJob, tree: TinyTree, out: FileHandle) {
    this.#job = job;
    this.#tree = tree;
    this.#out = out;
  }
  static async open(job: DecodeJob): Promise<Decoder> {
    const tree = await openTiny(job.place);
    return new Decoder(job, tree, await open(job.out, "r+").catch(unwritable(job.out)));
  }

  async decode({ files, at }: PictureRun): Promise<number> {
    const size = this.#size;
    const pixels = new Uint8Array(files.length * size);
    let reading: Promise<Uint8Array>[] = [];
    const read = (from: number): Promise<Uint8Array>[] => {
      const begun = files.slice(from, from + AHEAD).map((file) => this.#tree.read(file));
      // What fails is seen when its turn comes.
      for (const each of begun) each.catch(() => undefined);
      return begun;
    };
    let ahead = read(0);
    for (const [k, file] of files.entries()) {
      if (k % AHEAD === 0) {
        reading = ahead;
        ahead = read(k + AHEAD);
      }
      pixels.set(this.#pixels(this.#tree.pathOf(file.name), await reading[k % AHEAD]), k * size);
    }
    await writePiece(this.#out, pixels, at).catch(unwritable(this.#job.out));
    return files.length;
  }

  async close(): Promise<void> {
    await this.#out.close();
    await this.#tree.close();
  }

  get #size(): number {
    const [height, width, channels] = this.#job.shape;
    return height * width * channels;
  }

  #pixels(name: string, bytes: Uint8Array): Uint8Array {
    const [height, width] = this.#job.shape;
    const picture = recolor(decodeImage(name, bytes, { maxPixels: 2 ** 20 }), 3);
    if (picture.width !== width || picture.height !== height) {
      const [expected, got] = [`${width}×${height} pixels`, `${picture.width}×${picture.height}`];
      throw new FormatError({ op: name, what: "not a picture of this data set", expected, got });
    }
    return picture.pixels;
  }
}

function unwritable(op: string) {
  return (error: Error): never => {
    throw new DataError({ op, what: "cannot be written", got: error.message });
  };
}

/** True in a worker that decodes pictures: it does nothing else. */
export function isDecodeWorker(): boolean {
  return parentPort !== null && (workerData as { decoder?: unknown } | null)?.decoder !== undefined;
}

/** Answers requests until the parent ends the worker. */
function serve(job: DecodeJob): void {
  const opening = Decoder.open(job);
  opening.catch(() => undefined);
  parentPort?.on("message", async ({ id, ...run }: Request) => {
    try {
      const count = await (await opening).decode(run);
      parentPort?.postMessage({ id, count } satisfies Reply);
    } catch (error) {
      parentPort?.postMessage({ id, failure: failureOf(error) } satisfies Reply);
    }
  });
}

// The file that holds this is also the one that workers run.
if (isDecodeWorker()) {
  sayLoaded();
  serve((workerData as { decoder: DecodeJob }).decoder);
}
