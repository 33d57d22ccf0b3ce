/** @file `npm run site:dev` as its user starts it: guide, reference and playground from one address. */
import { spawn } from "node:child_process";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { root } from "../../scripts/run.mjs";
import { buildSite } from "./built.js";

/** Starts the server, runs `work` with its address, and ends it. */
async function serving(work: (address: string) => Promise<void>): Promise<void> {
  const server = spawn(process.execPath, [path.join(root, "scripts", "site.mjs"), "--dev", "--port", "0"], {
    cwd: root,
  });
  const ended = new Promise<void>((resolve) => server.once("close", () => resolve()));
  try {
    let said = "";
    const address = await new Promise<string>((resolve, reject) => {
      for (const stream of [server.stdout, server.stderr]) {
        stream.on("data", (chunk) => {
          said += chunk;
          const found = /(http:\/\/\S+): guide, reference and playground/.exec(said);
          if (found !== null) resolve(found[1]);
        });
      }
      void ended.then(() => reject(new Error(`it ended: ${said}`)));
    });
    await work(address);
  } finally {
    // As Ctrl-C does.
    server.kill("SIGINT");
    await ended;
  }
}

describe("npm run site:dev", () => {
  beforeAll(buildSite);

  it("serves guide, reference and playground with every module that their pages ask for", async () => {
    await serving(async (address) => {
      const get = async (page: string): Promise<{ status: number; type: string; text: string }> => {
        const answer = await fetch(new URL(page, address));
        return { status: answer.status, type: answer.headers.get("content-type") ?? "", text: await answer.text() };
      };
      for (const page of ["", "guide/own-proxy.html", "reference/", "docs/sweeps.html"]) {
        expect(await get(page), page).toMatchObject({ status: 200, type: expect.stringContaining("text/html") });
      }
      for (const page of ["index", "train", "draw", "gradient", "look", "speed"]) {
        const { status, text } = await get(`playground/${page}.html`);
        expect(status, page).toBe(200);
        expect(text).toContain('href="/"');
        const scripts = [...text.matchAll(/<script[^>]* src="([^"]+)"/g)].map(([, src]) => src);
        expect(scripts.length, page).toBeGreaterThan(0);
        for (const script of scripts) {
          expect(await get(new URL(script, `${address}playground/`).href), script).toMatchObject({
            status: 200,
            type: expect.stringContaining("javascript"),
          });
        }
      }
    });
  });
});
