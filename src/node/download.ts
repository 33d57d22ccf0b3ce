/** @file Fetching public data sets from their mirrors, checked against their SHA-256. */
import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { atLeast, callable, check, checkOptions, integer } from "../core/checks.js";
import { ArgumentError, DataError } from "../core/errors.js";
import { datasetInfo, type RemoteFile } from "../data/registry.js";
import { signalRule } from "../train/options.js";
import { dataFolder } from "./data-files.js";
import { pathRule, readFileBytes, saveFileAtomic } from "./files.js";

/** How far a download has come. */
export interface DownloadProgress {
  /** Name of the file. */
  readonly file: string;
  /** Bytes of this file so far, and in all. */
  readonly received: number;
  /** Bytes of the whole file. */
  readonly total: number;
}

/** Options of {@link downloadDataset}. */
export interface DownloadOptions {
  /** What fetches. @default the global fetch */
  readonly fetch?: (url: string, init: { signal?: AbortSignal }) => Promise<Response>;
  /** Ends the download early. */
  readonly signal?: AbortSignal;
  /** Milliseconds without a byte after which a mirror is given up and the next one asked. @default 30,000 */
  readonly stall?: number;
  /** Bytes per second that a mirror must give, on average since it was asked, once `stall` has passed. @default 1024 */
  readonly minRate?: number;
}

const digestOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/**
 * Downloads the files of a public data set that are not there yet. A file appears under its name only when it is
 * complete and its checksum is right.
 * @param name a public data set
 * @param dir data directory; the files go to a folder of it. @default that of `dataFolder`
 * @param onProgress told of every piece that arrives
 * @returns the folder with the files
 * @throws DataError with what each mirror answered, if a file cannot be had; ArgumentError if there is nothing to
 * download
 */
export async function downloadDataset(
  name: string,
  dir: string = dataFolder(),
  onProgress: (progress: DownloadProgress) => void = () => {},
  options: DownloadOptions = {},
): Promise<string> {
  check("downloadDataset", "dir", dir, pathRule);
  check("downloadDataset", "onProgress", onProgress, callable);
  checkOptions("downloadDataset", options, {
    fetch: callable,
    signal: signalRule,
    stall: integer(1, 2 ** 31 - 1),
    minRate: atLeast(0),
  });
  const info = datasetInfo(name);
  if (info.files.length === 0) {
    throw new ArgumentError({
      op: name,
      what: "nothing to download",
      hint: info.origin === undefined ? "this data set is generated" : `clone ${info.origin}`,
    });
  }
  const folder = join(dir, info.folders[0]);
  await mkdir(folder, { recursive: true }).catch((error: Error) => {
    throw new DataError({ op: folder, what: "cannot be made", got: error.message });
  });
  for (const file of info.files) {
    const path = join(folder, file.name);
    const present = await readFileBytes(path, { maxBytes: file.bytes }).catch(() => null);
    if (present !== null && digestOf(present) === file.sha256) {
      onProgress({ file: file.name, received: file.bytes, total: file.bytes });
      continue;
    }
    await saveFileAtomic(path, await fetchFile(name, file, info.mirrors, folder, onProgress, options));
  }
  return folder;
}

async function fetchFile(
  name: string,
  file: RemoteFile,
  mirrors: readonly string[],
  folder: string,
  onProgress: (progress: DownloadProgress) => void,
  options: DownloadOptions,
): Promise<Uint8Array> {
  const answers: string[] = [];
  for (const mirror of mirrors) {
    const url = mirror + file.name;
    try {
      const bytes = await fetchBytes(url, file, onProgress, options);
      const digest = digestOf(bytes);
      if (digest === file.sha256) return bytes;
      answers.push(`${url}: ${bytes.length} bytes with SHA-256 ${digest}`);
    } catch (error) {
      if (options.signal?.aborted) throw new DataError({ op: name, what: "download interrupted", got: url });
      // undici says "fetch failed" and keeps the reason (no such host, refused, timed out) in the cause.
      const { message, cause } = error as Error & { cause?: { code?: string; message?: string } };
      answers.push(`${url}: ${cause?.code ?? cause?.message ?? message}`);
    }
  }
  throw new DataError({
    op: name,
    what: `cannot download ${file.name}`,
    expected: `${file.bytes} bytes with SHA-256 ${file.sha256}`,
    got: answers.join("; "),
    hint: `is there a network? Otherwise put the file into ${folder} by other means`,
  });
}

/** Fetches one file of one mirror; nothing is written, so that nothing of a broken download stays. */
async function fetchBytes(
  url: string,
  file: RemoteFile,
  onProgress: (progress: DownloadProgress) => void,
  options: DownloadOptions,
): Promise<Uint8Array> {
  const { fetch: get = fetch, signal, stall = 30_000, minRate = 1024 } = options;
  const control = new AbortController();
  const leave = () => control.abort(signal?.reason);
  if (signal?.aborted) leave();
  signal?.addEventListener("abort", leave, { once: true });
  const started = performance.now();
  // Fails when the download is given up, whatever `get` makes of the signal.
  const end = new Promise<never>((_, reject) => {
    const fail = () => reject(control.signal.reason ?? new Error("aborted"));
    if (control.signal.aborted) fail();
    control.signal.addEventListener("abort", fail, { once: true });
  });
  end.catch(() => {});
  let timer: ReturnType<typeof setTimeout> | undefined;
  const within = <T>(work: Promise<T>): Promise<T> => {
    clearTimeout(timer);
    timer = setTimeout(() => control.abort(new Error(`nothing came for ${stall / 1000} s`)), stall);
    // The loser of the race may fail later, when nobody listens.
    work.catch(() => {});
    return Promise.race([work, end]);
  };
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  try {
    const response = await within(get(url, { signal: control.signal }));
    if (!response.ok || response.body === null) throw new Error(`HTTP status ${response.status}`);
    reader = response.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
    const bytes = new Uint8Array(file.bytes);
    let received = 0;
    for (;;) {
      const { done, value: piece } = await within(reader.read());
      if (done) return bytes.subarray(0, received);
      if (received + piece.length > file.bytes) throw new Error(`more than the ${file.bytes} bytes expected`);
      bytes.set(piece, received);
      received += piece.length;
      const seconds = (performance.now() - started) / 1000;
      if (1000 * seconds > stall && received < minRate * seconds) {
        throw new Error(
          `too slow: ${received} bytes in ${seconds.toFixed(1)} s, at least ${minRate} bytes/s are wanted`,
        );
      }
      onProgress({ file: file.name, received, total: file.bytes });
    }
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", leave);
    // Closes the connection: a mirror that was given up must not keep the process alive.
    reader?.cancel().catch(() => {});
    control.abort();
  }
}
