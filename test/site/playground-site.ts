/**
 * @file The playground as it is built, once for all tests of a run and again only when its sources or the package are
 * newer, and a server for it.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { root } from "../../scripts/run.mjs";

const SOURCES = path.join(root, "site", "playground");
/** Where the tests' playground is. */
export const PLAYGROUND = path.join(root, "build", "playground-test");
const STAMP = path.join(root, "build", "playground-test.stamp");
const LOCK = path.join(root, "build", "playground-test.lock");
/** A lock that is older was left by a run that was killed. */
const STALE = 240_000;

async function newest(): Promise<number> {
  const names = await readdir(SOURCES, { recursive: true });
  const files = [...names.map((name) => path.join(SOURCES, name)), path.join(root, "dist", "index.js")];
  return Math.max(...(await Promise.all(files.map(async (file) => (await stat(file)).mtimeMs))));
}

/** Builds the playground where that is needed; other test files that ask meanwhile wait. @returns its folder */
export async function builtPlayground(): Promise<string> {
  mkdirSync(path.dirname(LOCK), { recursive: true });
  for (;;) {
    try {
      mkdirSync(LOCK);
      break;
    } catch {
      const age = Date.now() - (statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (age > STALE) rmdirSync(LOCK);
      await sleep(200);
    }
  }
  try {
    const stamp = `${await newest()}`;
    if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === stamp) return PLAYGROUND;
    const script = new URL("../../site/playground/build.mjs", import.meta.url).href;
    const { buildPlayground } = (await import(script)) as { buildPlayground(folder: string): Promise<void> };
    await buildPlayground(PLAYGROUND);
    writeFileSync(STAMP, stamp);
    return PLAYGROUND;
  } finally {
    rmdirSync(LOCK);
  }
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
};

/** What lets a page share memory. */
export const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/** A server of the playground. */
export interface Site extends AsyncDisposable {
  /** Address of the folder, with a slash at its end. */
  readonly address: string;
}

/** How the playground is served. */
interface Serving {
  /** Sent with every answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** The folder's path on the host. */
  readonly under: string;
}

/** Answers with a file of the playground. */
export function answerFile(request: IncomingMessage, response: ServerResponse, { headers, under }: Serving): void {
  const name = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
  const file = path.join(PLAYGROUND, name.startsWith(under) ? name.slice(under.length) || "index.html" : "/nowhere");
  const there = name.startsWith(under) && file.startsWith(PLAYGROUND) && existsSync(file);
  response.writeHead(there ? 200 : 404, {
    ...headers,
    "content-type": TYPES[path.extname(file)] ?? "application/octet-stream",
  });
  response.end(there ? readFileSync(file) : undefined);
}

/** Serves the playground from a folder of a static host. */
export async function servePlayground(headers: Serving["headers"] = {}, under = "/some/folder/"): Promise<Site> {
  const server = createServer((request, response) => answerFile(request, response, { headers, under }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}${under}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
