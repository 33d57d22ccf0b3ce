/**
 * @file BullMQ and ioredis: loaded when a queue is asked for, from beside coarsegrad or from the working folder, and
 * from nowhere else.
 */
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type * as BullMQ from "bullmq";
import type * as IORedis from "ioredis";
import { DataError } from "../../core/errors.js";
import { UsageError } from "../../run/usage-error.js";

/** The two libraries. */
export interface QueueLibraries {
  readonly bullmq: Pick<typeof BullMQ, "Queue" | "Worker" | "UnrecoverableError" | "WaitingError">;
  readonly ioredis: Pick<typeof IORedis, "Redis">;
}

export type { Job, Queue, Worker } from "bullmq";
export type { Redis } from "ioredis";

async function loaded<T>(name: string, load: () => Promise<T>): Promise<T> {
  const isMissing = (error: unknown): boolean =>
    ["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"].includes((error as NodeJS.ErrnoException).code ?? "");
  try {
    return await load();
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  try {
    const file = createRequire(path.resolve("package.json")).resolve(name);
    const module = (await import(pathToFileURL(file).href)) as { default: T };
    return module.default;
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new DataError({
      op: "--queue",
      what: `the library ${name} is not installed`,
      expected: "bullmq and ioredis beside coarsegrad or in the working folder",
      hint: "npm install bullmq ioredis",
    });
  }
}

/** Loads both. @throws DataError that says how to install them */
export async function queueLibraries(): Promise<QueueLibraries> {
  return {
    bullmq: await loaded("bullmq", () => import("bullmq")),
    ioredis: await loaded("ioredis", () => import("ioredis")),
  };
}

/** Where a queue is, as messages show it: no password. @throws UsageError for what is no such address */
export function addressOf(url: string): string {
  const { protocol, hostname, port, pathname } = parsed(url);
  return `${protocol}//${hostname}${port === "" ? "" : `:${port}`}${pathname === "/" ? "" : pathname}`;
}

function parsed(url: string): URL {
  try {
    const own = new URL(url);
    if (["redis:", "rediss:"].includes(own.protocol) && own.hostname !== "") return own;
  } catch {
    // Told below: a URL may hold a password, and is not shown.
  }
  throw new UsageError({ op: "--queue", what: "not the address of a queue", expected: "redis://HOST:PORT/NUMBER" });
}

/** Milliseconds between two tries to connect again. */
const AGAIN = 500;

/**
 * Connects to Redis; later losses are mended by waiting.
 *
 * @param warn told once for each loss, and what Redis is not set up for
 * @throws DataError if nobody answers
 */
export async function connect(
  { ioredis }: QueueLibraries,
  url: string,
  warn: (text: string) => void,
): Promise<IORedis.Redis> {
  const address = addressOf(url);
  let connected = false;
  let away = false;
  const redis = new ioredis.Redis(url, {
    lazyConnect: true,
    // Workers wait for a Redis that comes back, however long it takes.
    maxRetriesPerRequest: null,
    retryStrategy: () => (connected ? AGAIN : null),
  });
  let reason = "";
  redis.on("error", (error: Error) => {
    reason = error.message || (error as NodeJS.ErrnoException).code || reason;
  });
  redis.on("close", () => {
    if (connected && !away && redis.status !== "end") warn(`${address}: the connection is lost; waiting for it`);
    away = true;
  });
  redis.on("ready", () => {
    away = false;
  });
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    throw new DataError({
      op: address,
      what: "no queue answers",
      expected: "a Redis server",
      got: reason || (error as Error).message,
    });
  }
  connected = true;
  await checkSettings(redis, address, warn);
  return redis;
}

/** What a sweep of hours needs of Redis. */
const WANTED = [
  ["maxmemory-policy", "noeviction", "jobs may be thrown away when memory is short"],
  ["appendonly", "yes", "a restart of Redis loses the queue, though no run"],
] as const;

async function checkSettings(redis: IORedis.Redis, address: string, warn: (text: string) => void): Promise<void> {
  for (const [name, wanted, otherwise] of WANTED) {
    // Services may not tell.
    const [, value] = (await redis.config("GET", name).catch(() => [])) as string[];
    if (value !== undefined && value !== wanted) warn(`${address}: ${name} is ${value}, not ${wanted}: ${otherwise}`);
  }
}
