/** @file `npm run site:dev` as its user starts it. */
import { spawn } from "node:child_process";
import path from "node:path";
import { root } from "../../scripts/run.mjs";

/** Starts the server, runs `work` with its address, and ends it. */
export async function serving(work: (address: string) => Promise<void>): Promise<void> {
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
