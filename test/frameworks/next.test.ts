/**
 * @file An app of Next.js with the packed package: pages made on the server and by the build, a component in the
 * browser and a handler of requests give the same bits, and none of them leaves arrays behind.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { visit } from "../browser/page.js";
import { noChromium, noFrameworks } from "../tools.js";
import { type Project, projectOf } from "./project.js";

/** What a part of the app tells. */
interface Told {
  outputs: number[];
  sha256: string;
  arrays: number;
  bytes: number;
}

const ENV = { ...process.env, NODE_ENV: "production", NEXT_TELEMETRY_DISABLED: "1" } as const;

/** The address that a starting server prints. */
async function addressOf(server: ChildProcess): Promise<string> {
  let text = "";
  for await (const chunk of server.stdout as NodeJS.ReadableStream) {
    text += chunk;
    const found = /http:\/\/[\w.]+:\d+/.exec(text);
    if (found !== null && text.includes("Ready")) return found[0];
  }
  throw new Error(`the server ended: ${text}`);
}

describe.skipIf(noFrameworks)("an app of Next.js", () => {
  let project: Project;
  let server: ChildProcess | undefined;
  let address: string;

  beforeAll(async () => {
    project = projectOf("next");
    const options = { cwd: project.folder, env: ENV, encoding: "utf8" } as const;
    const { status, stdout, stderr } = spawnSync(process.execPath, [project.command, "build"], options);
    expect(status, `${stdout}\n${stderr}`).toBe(0);
    expect(`${stdout}${stderr}`).not.toMatch(/warn|error/i);
    server = spawn(process.execPath, [project.command, "start", "-p", "0", "-H", "127.0.0.1"], {
      cwd: project.folder,
      env: ENV,
      stdio: ["ignore", "pipe", "inherit"],
    });
    address = await addressOf(server);
    server.stdout?.resume();
    // A quarter of a minute where nothing else runs.
  }, 900_000);
  afterAll(async () => {
    if (server !== undefined && server.exitCode === null) {
      const ended = once(server, "close");
      server.kill("SIGKILL");
      await ended;
    }
    project?.remove();
  });

  /** The page's element of an id, as JSON. */
  async function told(path: string, id: string): Promise<Told> {
    const page = await (await fetch(`${address}${path}`)).text();
    const [, text] = new RegExp(`<p id="${id}">([^<]*)</p>`).exec(page) ?? [];
    return JSON.parse(text.replaceAll("&quot;", '"'));
  }
  const pixels = Uint8Array.from({ length: 28 * 28 }, (_, i) => (i * 37) % 256);
  const predict = async (): Promise<Told> =>
    (await fetch(`${address}/api/predict`, { method: "POST", body: pixels })).json() as Promise<Told>;

  it("makes pages on the server, each time to the same bits and without arrays left", async () => {
    const first = await told("/", "server");
    expect(first.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(first.outputs).toHaveLength(10);
    expect(first.outputs.every(Number.isFinite)).toBe(true);
    expect(first.arrays).toBe(0);
    for (let n = 0; n < 3; n++) expect(await told("/", "server")).toEqual(first);
    expect((await told("/built", "built")).sha256).toBe(first.sha256);
  });

  it("answers requests by a session that stays, from flat memory", async () => {
    const { outputs } = await told("/", "server");
    const first = await predict();
    expect(first.outputs).toEqual(outputs);
    for (let n = 0; n < 200; n++) expect(await predict()).toEqual(first);
    const together = await Promise.all(Array.from({ length: 20 }, predict));
    expect(together).toEqual(Array(20).fill(first));
  });

  it.skipIf(noChromium)("runs and trains in a component of the page, to the server's bits", async () => {
    const { outputs, sha256 } = await told("/", "server");
    const text = await visit(`${address}/`, async (page) => {
      await page.waitForFunction("document.querySelector('#client')?.textContent !== ''", undefined, {
        timeout: 60_000,
      });
      return page.evaluate<string>("document.querySelector('#client').textContent");
    });
    expect(JSON.parse(text)).toEqual({ outputs, sha256 });
  });
});
