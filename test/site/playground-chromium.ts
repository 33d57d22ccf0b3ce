/** @file Pages of the playground in headless Chromium; what a page complains of fails its test. */
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { chromiumPath } from "../tools.js";
import { type Site, servePlayground } from "./playground-site.js";

const ARGUMENTS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--no-first-run",
  // A camera with a moving picture, and nobody to ask.
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
];

/** What a test of a page is given. */
export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly site: Site;
}

/**
 * Opens a page of the playground in a profile of its own.
 *
 * @param name file, query and hash, such as `train.html#seed=2`
 * @param headers what the host sends besides
 * @throws Error if the page throws or logs an error
 */
export type Visiting = <T>(
  name: string,
  work: (visit: Visit) => Promise<T>,
  headers?: Readonly<Record<string, string>>,
) => Promise<T>;

/** One browser for the tests of a `describe`, from their first to their last. */
export function visitsInChromium(): Visiting {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath, args: ARGUMENTS });
  });
  afterAll(() => browser.close());
  return async (name, work, headers) => {
    await using site = await servePlayground(headers);
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    try {
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(error.message));
      page.on("console", (message) => {
        if (message.type() === "error") complaints.push(`${message.text()} ${message.location().url}`);
      });
      await page.goto(site.address + name);
      const result = await work({ page, context, site }).catch((error: Error) => {
        throw new Error([error.message, ...complaints].join("\n"), { cause: error });
      });
      if (complaints.length > 0) throw new Error(`the page complained:\n${complaints.join("\n")}`);
      return result;
    } finally {
      await context.close();
    }
  };
}

/** Waits until the run that is looked at is finished. @returns SHA-256 of its weights */
export async function finished(page: Page): Promise<string> {
  const done = `(() => {
    const error = document.getElementById("run-error").textContent + document.getElementById("form-error").textContent;
    if (error !== "") throw new Error(error);
    return /^Finished/.test(document.getElementById("run-status").textContent);
  })()`;
  await page.waitForFunction(done, null, { timeout: 90_000 });
  return (await page.textContent("#sha")) ?? "";
}

/** @returns milliseconds of processor time of each task of the page's main thread while `work` goes on */
export async function mainThreadTasks(browser: Browser, page: Page, work: () => Promise<void>): Promise<number[]> {
  await browser.startTracing(page, { categories: ["toplevel"] });
  await work();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const threads = traceEvents.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain");
  const mains = new Set(threads.map(({ pid, tid }) => `${pid}/${tid}`));
  return traceEvents
    .filter(({ name, pid, tid }) => name === "ThreadControllerImpl::RunTask" && mains.has(`${pid}/${tid}`))
    .flatMap(({ tdur }) => (tdur === undefined ? [] : [tdur / 1000]));
}

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds of processor time. */
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}
