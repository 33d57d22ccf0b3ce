/**
 * @file Firefox without automation: a page of the same host asks for what it is to run, and runs it in a frame. Where
 * WebDriver BiDi drives Firefox, one `new Worker` within a worker in fifty never returns.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { firefox, type Runner } from "./playground-guest.js";
import { answerFile, ISOLATED } from "./playground-site.js";

const FOLDER = "/some/folder/";
/** Milliseconds for Firefox to start, or to answer. */
const PATIENCE = 60_000;

/** Shows a page, asks for bodies of functions to run in it, and tells what came of them. */
const driverOf = (page: string): string => `<!doctype html><meta charset="utf-8"><title>Driver</title>
<iframe src="${FOLDER}${page}"></iframe>
<script type="module">
const frame = document.querySelector("iframe");
if (frame.contentDocument.readyState !== "complete" || frame.contentWindow.location.href === "about:blank")
  await new Promise((loaded) => frame.addEventListener("load", loaded));
for (;;) {
  const body = await (await fetch("/driver/body")).text();
  let told;
  try {
    told = { result: new frame.contentWindow.Function(body)() };
  } catch (error) {
    told = { error: String(error) };
  }
  await fetch("/driver/told", { method: "POST", body: JSON.stringify(told) });
}
</script>`;

/** What a new profile would ask or fetch is of no use here. */
const PREFERENCES = {
  "app.normandy.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "browser.startup.homepage_override.mstone": "ignore",
  "datareporting.policy.dataSubmissionEnabled": false,
  "toolkit.telemetry.enabled": false,
};

interface Told {
  readonly result?: unknown;
  readonly error?: string;
}

/** What is to be run, one body at a time, between the test and the page that asks for it. */
class Driver implements Runner {
  readonly #page: string;
  #body: string | null = null;
  #asking: ServerResponse | null = null;
  #told: ((told: Told) => void) | null = null;

  constructor(page: string) {
    this.#page = page;
  }

  async run(body: string): Promise<unknown> {
    const told = new Promise<Told>((resolve) => {
      this.#told = resolve;
    });
    this.#body = body;
    this.#hand();
    const late = sleep(PATIENCE, { error: `Firefox has not answered in ${PATIENCE / 1000} s` }, { ref: false });
    const { result, error } = await Promise.race<Told>([told, late]);
    if (error !== undefined) throw new Error(error);
    return result;
  }

  #hand(): void {
    if (this.#body === null || this.#asking === null) return;
    this.#asking.end(this.#body);
    this.#body = null;
    this.#asking = null;
  }

  /** Answers the driver's page. @returns whether the request was its own */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    switch (request.url) {
      case "/driver":
        response.writeHead(200, { ...ISOLATED, "content-type": "text/html" }).end(driverOf(this.#page));
        return true;
      case "/driver/body":
        this.#asking = response;
        this.#hand();
        return true;
      case "/driver/told": {
        const told = JSON.parse(Buffer.concat(await request.toArray()).toString()) as Told;
        response.end();
        this.#told?.(told);
        return true;
      }
      default:
        return false;
    }
  }
}

/** Shows a page of the playground, isolated, in a Firefox that nothing but a page drives. */
export async function visitAlone(page: string, work: (guest: Runner) => Promise<void>): Promise<void> {
  const driver = new Driver(page);
  const server = createServer(async (request, response) => {
    const isOwn = await driver.answer(request, response);
    if (!isOwn) answerFile(request, response, { headers: ISOLATED, under: FOLDER });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const profile = mkdtempSync(path.join(tmpdir(), "coarsegrad-firefox-"));
  const preferences = Object.entries(PREFERENCES).map((entry) => `user_pref(${JSON.stringify(entry).slice(1, -1)});`);
  writeFileSync(path.join(profile, "user.js"), preferences.join("\n"));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/driver`;
  const args = ["--headless", "--no-remote", "--profile", profile, address];
  const browser = spawn(firefox!, args, { stdio: "ignore", detached: true });
  const ended = once(browser, "close");
  try {
    await work(driver);
  } finally {
    try {
      process.kill(-browser.pid!, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await ended;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
