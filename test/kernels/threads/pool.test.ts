/**
 * @file The thread pool: the same bits with any number of threads, no open handles, and an error, never a hang, when a
 * worker is lost.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Worker as NodeWorker } from "node:worker_threads";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { ArgumentError, ScopeError, ThreadError } from "../../../src/core/errors.js";
import { heap, init, kernelsFor, memory, threads } from "../../../src/kernels/index.js";
import { CONTROL_BYTES, LIMIT, NEXT, SLEEPERS } from "../../../src/kernels/threads/control.js";
import { NDArray } from "../../../src/ndarray/ndarray.js";
import { withPage } from "../../browser/page.js";
import { bcgdTraining, floatTraining } from "../../determinism/run.js";
import { ownMemory } from "../../leaks.js";
import { noChromium } from "../../tools.js";

const LEN = 1 << 20;
/** Milliseconds that whole trainings may take where other work has the processors. */
const SLOW = 300_000;
const isolated = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  init();
});

/** Adds two arrays of a million elements, in parts, and checks the sum. */
function addAMillion(): void {
  const [a, b, out] = [NDArray.full([LEN], 1.5), NDArray.full([LEN], 2), NDArray.empty([LEN])];
  try {
    kernelsFor("f32").f32_add(a.ptr, b.ptr, out.ptr, LEN, LEN, LEN);
    const sum = heap().f32(out.ptr, LEN);
    for (let i = 0; i < LEN; i += 1021) if (sum[i] !== 3.5) throw new Error(`sum ${i} is ${sum[i]}`);
    expect(sum[LEN - 1]).toBe(3.5);
  } finally {
    for (const array of [a, b, out]) array.dispose();
  }
}

describe("training", () => {
  it(
    "has the same bits on 1, 2, 3 and 5 threads",
    async () => {
      const expected = { float: floatTraining(), quantized: bcgdTraining(20) };
      for (const count of [1, 2, 3, 5]) {
        await init({ threads: count });
        expect(threads()).toBe(count);
        expect({ float: floatTraining(), quantized: bcgdTraining(20) }, `${count} threads`).toEqual(expected);
        // Neither arrays nor scratch of kernels.
        expect(memory().bytes, `${count} threads`).toBe(0);
      }
    },
    SLOW,
  );
});

describe("init with threads", () => {
  it("works on every kernel call, also after the heap has grown and the workers have slept", async () => {
    let words = new Int32Array(new SharedArrayBuffer(CONTROL_BYTES));
    const createWorker = (source: string) => {
      const worker = new NodeWorker(source, { eval: true });
      const post = worker.postMessage.bind(worker);
      worker.postMessage = (message: { block: SharedArrayBuffer }) => {
        words = new Int32Array(message.block);
        post(message);
      };
      return worker;
    };
    expect(await init({ threads: 3, createWorker })).toBe("wasm");
    for (let round = 0; round < 200; round++) addAMillion();
    // They spin for a while, then sleep.
    while (Atomics.load(words, SLEEPERS) < 2) await new Promise(setImmediate);
    addAMillion();
    const large = NDArray.empty([64 << 20], "u8");
    addAMillion();
    large.dispose();
    expect(memory().arrays).toBe(0);
  });

  it("shares its heap, and copies out of it are not shared", async () => {
    await init({ threads: 2 });
    const array = NDArray.full([5], 1);
    expect(heap().buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(array.toTypedArray().buffer).toBeInstanceOf(ArrayBuffer);
    array.dispose();
  });

  it("takes every processor for auto", async () => {
    await init({ threads: "auto" });
    expect(threads()).toBeGreaterThanOrEqual(1);
    addAMillion();
  });

  it.each([0, -1, 1.5, 65, Number.NaN, "many" as "auto"])("refuses %s threads", async (count) => {
    await expect(init({ threads: count })).rejects.toThrow(ArgumentError);
    expect(threads()).toBe(1);
  });

  it("refuses a module and the reference backend", async () => {
    const module = {} as WebAssembly.Module;
    await expect(init({ threads: 2, module } as never)).rejects.toThrow(ArgumentError);
    await expect(init({ threads: 2, backend: "reference" } as never)).rejects.toThrow(ArgumentError);
  });

  it("refuses while arrays are alive, also those made while it waited", async () => {
    const before = NDArray.full([1], 1);
    await expect(init({ threads: 2 })).rejects.toThrow(ScopeError);
    before.dispose();
    const pending = init({ threads: 2 });
    const meanwhile = NDArray.full([1], 1);
    await expect(pending).rejects.toThrow(ScopeError);
    meanwhile.dispose();
    expect(threads()).toBe(1);
  });

  it("is an error without shared memory, or one thread and a warning for auto", async () => {
    vi.stubGlobal("SharedArrayBuffer", undefined);
    await expect(init({ threads: 2 })).rejects.toThrow(ThreadError);
    await expect(init({ threads: 2 })).rejects.toThrow(/SharedArrayBuffer is missing.*cross-origin-embedder-policy/);
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    // Two processors, whatever the machine.
    vi.spyOn(process, "getBuiltinModule").mockReturnValue({ availableParallelism: () => 2 } as never);
    expect(await init({ threads: "auto" })).toBe("wasm");
    expect(threads()).toBe(1);
    expect(warn).toHaveBeenCalledWith(expect.stringContaining("SharedArrayBuffer is missing"));
    addAMillion();
  });

  it("says so where a page is not isolated", async () => {
    vi.stubGlobal("crossOriginIsolated", false);
    await expect(init({ threads: 2 })).rejects.toThrow(/not cross-origin isolated/);
  });
});

describe("a lost worker", () => {
  const script = (source: string) => () => new NodeWorker(source, { eval: true });
  /** Says that it is ready, then takes the first call and does not come back. */
  const HANGS = `const { parentPort } = require("node:worker_threads");
    parentPort.once("message", ({ block }) => {
      const words = new Int32Array(block);
      parentPort.postMessage("ready");
      for (;;) {
        const next = Atomics.load(words, ${NEXT});
        if (next === Atomics.load(words, ${LIMIT})) continue;
        if (Atomics.compareExchange(words, ${NEXT}, next, next + 1) === next) break;
      }
      Atomics.wait(words, ${CONTROL_BYTES / 4 - 1}, words[${CONTROL_BYTES / 4 - 1}]);
    });`;

  it("that hangs is an error after the time-out, and the pool stays closed", async () => {
    ownMemory("the error comes in the middle of an operation");
    await init({ threads: 2, createWorker: script(HANGS), threadTimeout: 200 });
    const many = () => {
      for (let i = 0; i < 1000; i++) addAMillion();
    };
    expect(many).toThrow(ThreadError);
    expect(addAMillion).toThrow(/threads: a worker does not answer; expected \d+ finished calls, got \d+ of \d+/);
  });

  it("that ends by itself is an error at the next call", async () => {
    ownMemory("the error comes in the middle of an operation");
    let worker: NodeWorker | undefined;
    await init({
      threads: 2,
      createWorker: (source) => {
        worker = new NodeWorker(source, { eval: true });
        return worker;
      },
    });
    addAMillion();
    await worker?.terminate();
    expect(addAMillion).toThrow(ThreadError);
    expect(addAMillion).toThrow(/a worker ended/);
    init();
    addAMillion();
  });

  it("whose kernel throws is an error", async () => {
    ownMemory("the error comes in the middle of an operation");
    const trap = (source: string) => script(source.replace("kernels[words[KERNEL]]", "kernels[-1]"))();
    await init({ threads: 2, createWorker: trap });
    const many = () => {
      for (let i = 0; i < 1000; i++) addAMillion();
    };
    expect(many).toThrow(ThreadError);
    expect(addAMillion).toThrow(/a kernel threw; expected none, got an exception in worker 1/);
  });

  it("that cannot start is an error", async () => {
    const ends: Promise<unknown>[] = [];
    const watched = (source: string) => {
      const worker = new NodeWorker(source, { eval: true });
      ends.push(new Promise((resolve) => worker.once("exit", resolve)));
      return worker;
    };
    const broken = () => watched("throw new Error('broken worker')");
    await expect(init({ threads: 3, createWorker: broken })).rejects.toThrow(/did not start.*broken worker/);
    const refused = () => {
      throw new Error("no workers here");
    };
    await expect(init({ threads: 2, createWorker: refused })).rejects.toThrow(/no workers here/);
    let made = 0;
    const onlyOne = (source: string) => (made++ === 0 ? watched(source) : refused());
    await expect(init({ threads: 3, createWorker: onlyOne })).rejects.toThrow(/no workers here/);
    // Each is gone, and a late complaint of one would have failed the test run.
    await Promise.all(ends);
    expect(ends).toHaveLength(3);
    expect(threads()).toBe(1);
  });
});

describe("a bundle", () => {
  let folder = "";
  let bundle = "";
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "coarsegrad-threads-"));
    bundle = path.join(folder, "run.mjs");
    const contents = `export * from "./test/determinism/run.js"; export { init, NDArray, threads } from "./src/index.js";
      export { kernelsFor } from "./src/kernels/index.js";`;
    const stdin = { contents, resolveDir: path.join(import.meta.dirname, "../../.."), loader: "ts" } as const;
    await build({
      stdin,
      outfile: bundle,
      bundle: true,
      minify: true,
      format: "esm",
      target: "es2022",
      platform: "neutral",
      mainFields: ["browser", "module", "main"],
    });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("lets the process end while the pool is there, idle or replaced", () => {
    const script = path.join(folder, "end.mjs");
    writeFileSync(
      script,
      `import { init, kernelsFor, NDArray, threads } from "./run.mjs";
       await init({ threads: 3 });
       init();
       await init({ threads: 2 });
       const [x, y] = [NDArray.full([${LEN}], 1.5), NDArray.empty([${LEN}])];
       kernelsFor("f32").f32_neg(x.ptr, y.ptr, ${LEN});
       console.log(threads(), y.toTypedArray().every((value) => value === -1.5));`,
    );
    const output = execFileSync(process.execPath, [script], { encoding: "utf8", timeout: SLOW });
    expect(output.trim()).toBe("2 true");
  });

  describe.skipIf(noChromium)("in headless Chromium", () => {
    /** Runs in the page, or in a worker that the page starts. */
    const hashes = `async (run, counts) => {
      const found = {};
      for (const count of counts) {
        await run.init({ threads: count });
        found[run.threads()] = [run.floatTraining(), run.bcgdTraining(20)];
      }
      return found;
    }`;
    const worker = `import * as run from "/run.js";
      onmessage = async ({ data }) => postMessage(await (${hashes})(run, data));`;
    const files = () => ({ "run.js": readFileSync(bundle), "worker.js": worker });

    it(
      "has Node's bits on 1, 2 and 3 threads, on the main thread and in a Web Worker",
      async () => {
        const here = [floatTraining(), bcgdTraining(20)];
        const found = await withPage(
          files(),
          (page) =>
            page.evaluate(`(async () => {
            const page = await (${hashes})(await import("/run.js"), [1, 2, 3]);
            const other = new Worker("/worker.js", { type: "module" });
            const answer = new Promise((resolve, reject) => {
              other.onmessage = ({ data }) => resolve(data);
              other.onerror = (event) => reject(new Error(event.message));
            });
            other.postMessage([1, 2, 3]);
            return { page, worker: await answer };
          })()`),
          { headers: isolated },
        );
        const all = { 1: here, 2: here, 3: here };
        expect(found).toEqual({ page: all, worker: all });
      },
      SLOW,
    );

    it("says that a page must be isolated", async () => {
      const message = await withPage(files(), (page) =>
        page.evaluate(
          `import("/run.js").then((run) => run.init({ threads: 2 })).then(() => "no error", (error) => error.message)`,
        ),
      );
      expect(message).toMatch(/not cross-origin isolated.*cross-origin-embedder-policy: require-corp/);
    });
  });
});
