/** @file WebKitGTK's MiniBrowser, driven by WebDriver under a virtual screen: as much of the protocol as tests need. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { hasProgram } from "../tools.js";

/** Where Debian puts the browser that WebKitWebDriver starts. */
function miniBrowser(): string | undefined {
  const libraries = "/usr/lib";
  if (!existsSync(libraries)) return undefined;
  return readdirSync(libraries)
    .flatMap((machine) =>
      ["4.1", "4.0", "6.0"].map((v) => path.join(libraries, machine, `webkit2gtk-${v}`, "MiniBrowser")),
    )
    .find((file) => existsSync(file));
}

/** Whether all parts are there; Debian's packages are `webkit2gtk-driver`, `xvfb` and `xauth`. */
export const hasWebKit = (): boolean =>
  hasProgram("WebKitWebDriver") && hasProgram("xvfb-run") && miniBrowser() !== undefined;

/** A page in WebKit. */
export interface WebKitPage {
  goto(address: string): Promise<void>;
  /** Runs the body of a function in the page. */
  run(body: string): Promise<unknown>;
  /** Presses the mouse's button at the first point of the window, and lets it go at the last one. */
  drag(points: readonly (readonly [x: number, y: number])[]): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts the browser; what was started ends with the page. */
export async function openWebKit(): Promise<WebKitPage & AsyncDisposable> {
  const port = await freePort();
  const home = mkdtempSync(path.join(tmpdir(), "coarsegrad-webkit-"));
  const folders = { HOME: home, XDG_RUNTIME_DIR: home, XDG_CACHE_HOME: home, XDG_DATA_HOME: home };
  // The sandbox needs rights that containers do not give; the page is our own.
  const unsafe = { WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1", LIBGL_ALWAYS_SOFTWARE: "1" };
  // Without a language it calls its own "C", which is none, and charts cannot format numbers.
  const env = { ...process.env, ...folders, ...unsafe, LANG: "en_US.UTF-8", LC_ALL: "en_US.UTF-8", LANGUAGE: "en_US" };
  const driver = spawn("xvfb-run", ["--auto-servernum", "WebKitWebDriver", `--port=${port}`], {
    env,
    stdio: "ignore",
    detached: true,
  });
  const ended = new Promise((resolve) => driver.once("close", resolve));
  const call = async (method: string, route: string, body?: object): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${port}${route}`, {
      method,
      headers: { connection: "close" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const { value } = (await answer.json()) as { value: { message?: string } | null };
    if (!answer.ok) throw new Error(`WebKit: ${route}: ${value?.message}`);
    return value;
  };
  const end = async (): Promise<void> => {
    if (driver.pid !== undefined) {
      try {
        process.kill(-driver.pid, "SIGTERM");
      } catch {
        // It has ended by itself.
      }
    }
    await ended;
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    for (let tries = 0; ; tries++) {
      if (await call("GET", "/status").catch(() => null)) break;
      if (tries > 300) throw new Error("WebKitWebDriver does not answer");
      await sleep(100);
    }
    const browser = { binary: miniBrowser(), args: ["--automation"] };
    const capabilities = { alwaysMatch: { "webkitgtk:browserOptions": browser } };
    const { sessionId } = (await call("POST", "/session", { capabilities })) as { sessionId: string };
    const session = `/session/${sessionId}`;
    return {
      goto: async (url) => void (await call("POST", `${session}/url`, { url })),
      run: (script) => call("POST", `${session}/execute/sync`, { script, args: [] }),
      async drag([first, ...rest]) {
        const move = ([x, y]: readonly [number, number]) => ({ type: "pointerMove", duration: 50, x, y });
        const button = (type: string) => ({ type, button: 0 });
        const actions = [move(first), button("pointerDown"), ...rest.map(move), button("pointerUp")];
        await call("POST", `${session}/actions`, { actions: [{ type: "pointer", id: "mouse", actions }] });
      },
      async [Symbol.asyncDispose]() {
        await call("DELETE", session).catch(() => undefined);
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}
