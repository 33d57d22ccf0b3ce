/**
 * @file A page in headless Chromium, served from memory; tests that use it are skipped, by name, where there is no
 * Chromium.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { chromiumPath } from "../tools.js";

/** Nothing that Chromium would fetch or write on its own account. */
const ARGUMENTS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];
const TYPES: Record<string, string> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  wasm: "application/wasm",
};
const EMPTY_PAGE = '<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>test</title></html>';

/** Path from the server's root, as in `app/main.js`, → contents. An `index.html` is supplied if there is none. */
export type ServedFiles = Readonly<Record<string, string | Uint8Array>>;

/** Choices of {@link withPage}. */
export interface PageOptions {
  /** Sent with every answer: a content security policy, isolation. */
  headers?: Readonly<Record<string, string>>;
  /** Errors that the page may log. */
  expected?: RegExp;
}

async function withServer<T>(
  files: ServedFiles,
  options: PageOptions,
  work: (origin: string) => Promise<T>,
): Promise<T> {
  const served = new Map(Object.entries({ "index.html": EMPTY_PAGE, ...files }));
  const server = createServer((request, response) => {
    const name = new URL(request.url ?? "/", "http://localhost").pathname.slice(1) || "index.html";
    const body = served.get(name);
    const type = TYPES[name.slice(name.lastIndexOf(".") + 1)] ?? "application/octet-stream";
    response.writeHead(body === undefined ? 404 : 200, { ...options.headers, "content-type": type });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/**
 * Serves `files`, opens their index.html in a fresh browser and runs `work` with the page.
 *
 * @returns what `work` returns
 * @throws Error if the page throws, logs an error or asks for a file that is not there
 */
export async function withPage<T>(
  files: ServedFiles,
  work: (page: Page) => Promise<T>,
  options: PageOptions = {},
): Promise<T> {
  return withServer(files, options, (origin) => visit(`${origin}/`, work, options));
}

/**
 * Opens an address in a fresh browser and runs `work` with the page.
 *
 * @returns what `work` returns
 * @throws Error if the page throws or logs an error
 */
export async function visit<T>(address: string, work: (page: Page) => Promise<T>, options?: VisitOptions): Promise<T> {
  // Playwright makes a user-data-dir of its own for every launch, and removes it.
  const browser = await chromium.launch({ executablePath: chromiumPath, args: ARGUMENTS });
  try {
    return await visitIn(browser, address, work, options);
  } finally {
    await browser.close();
  }
}

/** {@link visit} in one browser for all tests of a `describe`, each with a profile of its own. */
export function visitsInOne(): typeof visit {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath, args: ARGUMENTS });
  });
  afterAll(() => browser.close());
  return (address, work, options) => visitIn(browser, address, work, options);
}

/** {@link withPage} in one browser for all tests of a `describe`, each with a profile of its own. */
export function pagesInOne(): typeof withPage {
  const visit = visitsInOne();
  return (files, work, options = {}) => withServer(files, options, (origin) => visit(`${origin}/`, work, options));
}

type VisitOptions = Pick<PageOptions, "expected">;

async function visitIn<T>(
  browser: Browser,
  address: string,
  work: (page: Page) => Promise<T>,
  options: VisitOptions = {},
): Promise<T> {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error" && !options.expected?.test(message.text())) complaints.push(message.text());
    });
    await page.goto(address);
    const result = await work(page).catch((error: Error) => {
      // What the page says is why the work did not come to its end.
      throw new Error([error.message, ...complaints].join("\n"), { cause: error });
    });
    if (complaints.length > 0) throw new Error(`the page complained:\n${complaints.join("\n")}`);
    return result;
  } finally {
    await context.close();
  }
}
