/** @file A Redis of a test's own, that can be killed and started again with what it had. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { ended } from "./runs.js";

/** A port that nobody uses now. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (good: boolean): void => {
      socket.destroy();
      resolve(good);
    };
    socket.once("error", () => end(false));
    socket.once("connect", () => socket.write("PING\r\n"));
    // While it loads what it had it answers with an error.
    socket.once("data", (data) => end(data.toString().startsWith("+PONG")));
  });
}

/** A server in a folder. */
export class Redis {
  readonly #folder: string;
  readonly #port: number;
  readonly #options: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(folder: string, port: number, options: readonly string[]) {
    this.#folder = folder;
    this.#port = port;
    this.#options = options;
  }

  /** @param options of the server, in place of those that a sweep wants */
  static async start(
    folder: string,
    options: readonly string[] = ["--appendonly", "yes", "--maxmemory-policy", "noeviction"],
  ): Promise<Redis> {
    mkdirSync(folder, { recursive: true });
    const redis = new Redis(folder, await freePort(), options);
    await redis.again();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}`;
  }

  /** Starts it with what its folder holds. */
  async again(): Promise<void> {
    const own = ["--port", `${this.#port}`, "--bind", "127.0.0.1", "--dir", this.#folder, "--save", ""];
    this.#process = spawn("redis-server", [...own, ...this.#options], { stdio: "ignore" });
    for (let tries = 0; !(await answers(this.#port)); tries++) {
      if (tries > 200 || this.#process.exitCode !== null) throw new Error("redis-server does not answer");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async kill(): Promise<void> {
    const own = this.#process as ChildProcess;
    own.kill("SIGKILL");
    await ended(own);
  }
}
