/** @file The built site, served from any folder of a server. */
import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { SITE } from "./built.js";

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

/**
 * Serves the site under a folder while `work` runs.
 *
 * @param folder begins and ends with a slash
 * @returns what `work` returns, and the paths that were asked for and are not there
 */
export async function withSite<T>(
  folder: string,
  work: (address: string) => Promise<T>,
): Promise<{ result: T; missing: string[] }> {
  const missing: string[] = [];
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const name = path.join(SITE, decodeURIComponent(pathname.startsWith(folder) ? pathname.slice(folder.length) : "?"));
    const file = statSync(name, { throwIfNoEntry: false })?.isDirectory() ? path.join(name, "index.html") : name;
    if (statSync(file, { throwIfNoEntry: false }) === undefined) {
      missing.push(pathname);
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-type": TYPES[path.extname(file)] ?? "application/octet-stream" });
    response.end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const result = await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}${folder}`);
    return { result, missing };
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
