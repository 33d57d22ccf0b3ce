/**
 * @file The relaxed variant: every kernel against its twin, and how it is asked for, in Node 20 with its flag, without,
 * and in Node 24.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { node24, root } from "../../scripts/run.mjs";
import { ArgumentError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { pack } from "../../src/export/index.js";
import { init, variant } from "../../src/kernels/index.js";
import { lenet5 } from "../../src/models/index.js";
import { prepare } from "../../src/quant/index.js";
import { noNode24 } from "../tools.js";

const FLAG = "--experimental-wasm-relaxed-simd";
const here = process.versions.node.startsWith("20.");
/**
 * Nodes that have relaxed SIMD, and with which flags. All kernels run, for a minute, where it is no experiment if such a
 * Node is there.
 */
const NODES = [
  { name: `this Node ${process.versions.node}`, node: process.execPath, flags: here ? [FLAG] : [], suites: noNode24 },
  { name: "Node 24", node: node24, flags: [], there: !noNode24, suites: true },
];
const SLOW = 300_000;

let folder = "";

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "coarsegrad-relaxed-"));
  const entryPoints = [path.join(import.meta.dirname, "relaxed-run.ts")];
  const outfile = path.join(folder, "run.mjs");
  await build({ entryPoints, outfile, bundle: true, format: "esm", target: "es2022", platform: "neutral" });
  const { model, input } = modelOfBytes();
  writeFileSync(path.join(folder, "model"), model);
  writeFileSync(path.join(folder, "input"), input);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => void init());

/** A network whose 4-bit weights meet bytes, codes and reals, with an image for it. */
function modelOfBytes(): { model: Uint8Array; input: Uint8Array } {
  const rng = new Rng("dots");
  using net = prepare(lenet5({ rng }), { weights: 4, activations: 4 });
  const input = Uint8Array.from({ length: 28 * 28 }, () => rng.int(256));
  return { model: pack(net, { inputShape: [28, 28, 1] }), input };
}

/** What the named functions of relaxed-run.ts answer in a process of its own. */
function answers(node: string, flags: readonly string[], ...names: string[]): unknown[] {
  const script = path.join(folder, "print.mjs");
  writeFileSync(
    script,
    `import { readFileSync } from "node:fs";
     import * as run from "./run.mjs";
     for (const name of ["model", "input"]) {
       globalThis[name] = new Uint8Array(readFileSync(new URL(name, import.meta.url)));
     }
     const answers = [];
     for (const name of ${JSON.stringify(names)}) answers.push(await run[name]());
     console.log(JSON.stringify(answers));`,
  );
  return JSON.parse(execFileSync(node, [...flags, script], { encoding: "utf8" }));
}

describe.each(NODES)("in $name", ({ node, flags, there = true, suites }) => {
  it.skipIf(!there || !suites).each([
    ["relaxed", "integers exactly, fused products up to rounding"],
    ["relaxed-integers", "exactly"],
  ])(
    "every kernel of the variant %s agrees with its twin: %s",
    (name) => {
      const vitest = path.join(root, "node_modules", "vitest", "vitest.mjs");
      const files = ["kernels.test.ts", "gemm.test.ts", "lut.test.ts"].map((file) => `test/kernels/${file}`);
      // What vitest tells its own workers would confuse the one that starts here.
      const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(VITEST|TINYPOOL)/.test(name)));
      const { status, stdout, stderr } = spawnSync(node, [vitest, "run", ...files, "--reporter=dot"], {
        cwd: root,
        encoding: "utf8",
        env: { ...env, COARSEGRAD_TEST_KERNELS: name },
      });
      expect(status, `${stdout}\n${stderr}`).toBe(0);
    },
    SLOW,
  );

  it.skipIf(!there)(
    "is taken when asked for, and has the same bits on one thread and on two, but not the plain ones",
    () => {
      expect(answers(node, flags, "explicitly", "leniently", "bits")).toEqual([
        "relaxed",
        "relaxed",
        { fromPlain: expect.any(Number), betweenThreads: 0, threads: 2 },
      ]);
    },
  );

  it.skipIf(!there)(
    "products of integers alone have it by default, on one thread and on two; reals keep their bits",
    () => {
      const integers = "relaxed-integers";
      expect(answers(node, flags, "byDefault")).toEqual([
        { variant: integers, fromPlain: 0, threaded: integers, afterwards: "simd" },
      ]);
    },
  );

  it.skipIf(!there)("the packed runtime loads dot products of bytes for { relaxed: false }, and gives the same", () => {
    const [[standard, wide, plain]] = answers(node, flags, "packed") as [{ variant: string; output: number[] }[]];
    expect([standard.variant, wide.variant, plain.variant]).toEqual(["relaxed-integers", "relaxed-integers", "simd"]);
    expect(standard.output).toHaveLength(10);
    expect(wide.output).toEqual(plain.output);
    expect(standard.output).toEqual(plain.output);
  });

  it.skipIf(!there)("is taken by the packed runtime, and stays when the complete kernels join it", () => {
    expect(answers(node, flags, "runtime")).toEqual(["relaxed, then relaxed"]);
  });
});

describe("where there is no relaxed SIMD", () => {
  it.skipIf(!here)("an explicit request is refused by name, a lenient one runs on the plain kernels", () => {
    const [explicitly, leniently] = answers(process.execPath, [], "explicitly", "leniently") as string[];
    expect(explicitly).toMatch(/^ArgumentError: init: relaxed SIMD is not available; expected .+, got Node v20\./);
    expect(explicitly).toContain(FLAG);
    expect(explicitly).toContain('relaxed: "auto"');
    expect(leniently).toBe("simd");
    const plain = { variant: "simd", fromPlain: 0, threaded: "simd", afterwards: "simd" };
    expect(answers(process.execPath, [], "byDefault")).toEqual([plain]);
  });
});

describe("init", () => {
  it("takes relaxed: false as the default, and never as plain SIMD", async () => {
    init();
    const standard = variant();
    expect(await init({ relaxed: false })).toBe("wasm");
    expect(variant()).toBe(standard);
    expect(await init({ relaxed: "never" })).toBe("wasm");
    expect(variant()).toBe("simd");
    init({ backend: "reference" });
    expect(variant()).toBe("reference");
  });

  it("refuses what is neither true, false nor auto, and the reference backend", async () => {
    await expect(init({ relaxed: "yes" as "auto" })).rejects.toThrow(ArgumentError);
    await expect(init({ relaxed: "auto", backend: "reference" as "auto" })).rejects.toThrow(ArgumentError);
  });
});
