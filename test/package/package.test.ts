/**
 * @file The published tarball: what is in it, that every entry imports, runs and has right types, and what it weighs.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { build, type Metafile } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { npm, root, tool } from "../../scripts/run.mjs";
import { type Consumer, entriesOf, installPackage, linkNodeTypes } from "./installed.js";

/** Bytes, gzipped, that a page may have to load: to run a packed model, and for arrays, autograd and all kernels. */
const INFER_LIMIT = 40_000;
const LIBRARY_LIMIT = 100_000;

let consumer: Consumer;
beforeAll(() => {
  consumer = installPackage();
});
afterAll(() => consumer?.remove());

/** Runs a command in the consumer's folder; its output is in the message of a failure. */
function expectSuccess(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: consumer.folder, encoding: "utf8" });
  expect(status, `${path.basename(command)} ${args.join(" ")}\n${stdout}\n${stderr}`).toBe(0);
  return stdout;
}

describe("the tarball", () => {
  it("holds the build, the papers and nothing else", () => {
    const allowed =
      /^(?:package\.json|(?:README|CHANGELOG|CONTRIBUTING|FEATURES)\.md|LICENSE|docs\/[\w-]+\.md|docs\/theory\/[\w-]+\.svg|examples\/[\w-]+(?:\.html|(?:\.worker)?\.mjs)|dist\/(?:kernels\.wasm|cli\/(?:main|charts)\.js|(?!cli\/)[\w./-]+(?:\.js|\.js\.map|\.d\.ts)))$/;
    expect(consumer.files.filter((name) => !allowed.test(name))).toEqual([]);
    expect(consumer.files).toEqual(expect.arrayContaining(["LICENSE", "README.md", "dist/index.js"]));
  });

  it("has no dependencies, and its exports and command exist", () => {
    expect(Object.keys(consumer.manifest.dependencies ?? {})).toEqual([]);
    // The libraries in it are inside, each once with its licence, and no file imports another package.
    const dist = path.join(consumer.installed, "dist");
    const files = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((name) =>
      /(?<!^cli.*)\.js$/.test(name),
    );
    const texts = files.map((name) => readFileSync(path.join(dist, name), "utf8"));
    expect(
      texts.flatMap((text) => text.match(/^(?:import|export)\b[^"'`]*\bfrom "(?!\.|node:)[^"]*"/gm) ?? []),
    ).toEqual([]);
    // What is for queues alone is named by the command line alone, which loads it when it is asked to.
    const [bullmq, cli] = [/["']bullmq["']|["']ioredis["']/, readFileSync(path.join(dist, "cli", "main.js"), "utf8")];
    expect(texts.filter((text) => bullmq.test(text))).toEqual([]);
    expect(cli).toContain('import("bullmq")');
    expect(cli).not.toMatch(/from "(?:bullmq|ioredis|koffi)"/);
    for (const [library, licence] of [
      ["@bufbuild/protobuf", "Apache-2.0"],
      ["@noble/hashes", "MIT"],
      ["jpeg-js", "BSD-3-Clause"],
      ["papaparse", "MIT"],
    ])
      expect(
        texts.filter((text) => text.includes(`Contains parts of ${library}`) && text.includes(licence)).length,
      ).toBe(1);
    const targets = Object.values(consumer.manifest.exports).flatMap((target) =>
      typeof target === "string" ? [target] : Object.values(target),
    );
    const promised = [...targets, ...Object.values(consumer.manifest.bin)];
    expect(promised.filter((file) => !existsSync(path.join(consumer.installed, file)))).toEqual([]);
    const { mode } = statSync(path.join(consumer.installed, consumer.manifest.bin["coarsegrad"]));
    // Windows has no such bits.
    if (process.platform !== "win32") expect(mode & 0o111).not.toBe(0);
  });

  it("has an entry for every public room", () => {
    const rooms = [
      "nn",
      "optim",
      "quant",
      "models",
      "data",
      "sound",
      "train",
      "theory",
      "io",
      "export",
      "onnx",
      "infer",
      "inspect",
      "run",
      "worker",
      "world",
      "node",
    ];
    const present = rooms.filter((room) => existsSync(path.join(root, "src", room, "index.ts")));
    expect(entriesOf(consumer).sort()).toEqual(["coarsegrad", ...present.map((room) => `coarsegrad/${room}`)].sort());
  });

  it("passes publint", () => {
    expectSuccess(process.execPath, [tool("publint"), "run", consumer.tarball, "--strict"]);
  });

  it("passes are-the-types-wrong for ESM", () => {
    const options = ["--profile", "esm-only", "--no-definitely-typed", "--exclude-entrypoints", "kernels.wasm"];
    expectSuccess(process.execPath, [tool("attw"), consumer.tarball, ...options]);
  });
});

describe("in Node", () => {
  it("imports every entry, and each exports something", () => {
    const script = `for (const name of process.argv.slice(1)) console.log(name, Object.keys(await import(name)).length)`;
    const lines = expectSuccess(process.execPath, ["--input-type=module", "-e", script, ...entriesOf(consumer)]);
    const counts = new Map(
      lines
        .trim()
        .split("\n")
        .map((line) => line.split(" ") as [string, string]),
    );
    expect([...counts.keys()]).toEqual(entriesOf(consumer));
    expect([...counts].filter(([, exports]) => Number(exports) === 0)).toEqual([]);
  });

  it("gives the raw kernels as a module that compiles", () => {
    const script = `
      import { readFileSync } from "node:fs";
      import { fileURLToPath } from "node:url";
      import { backend, init } from "coarsegrad";
      const bytes = readFileSync(fileURLToPath(import.meta.resolve("coarsegrad/kernels.wasm")));
      init({ module: new WebAssembly.Module(bytes) });
      console.log(backend());`;
    expect(expectSuccess(process.execPath, ["--input-type=module", "-e", script]).trim()).toBe("wasm");
  });

  it("is loaded by require, by every Node that it names", () => {
    // From 20.19 and 22.12 on require() loads modules that wait for nothing.
    expect(consumer.manifest.engines).toEqual({ node: "^20.19.0 || >=22.12.0" });
    const script = `
      for (const entry of ${JSON.stringify(entriesOf(consumer))}) {
        if (Object.keys(require(entry)).length === 0) throw new Error(entry);
      }
      console.log(require("coarsegrad/infer").createSession === require("coarsegrad/infer").createSession);`;
    writeFileSync(path.join(consumer.folder, "every.cjs"), script);
    expect(expectSuccess(process.execPath, ["every.cjs"]).trim()).toBe("true");
  });

  it("runs its command", () => {
    const command = (option: string): string =>
      expectSuccess(process.execPath, [npm(), "exec", "--offline", "--", "coarsegrad", option]);
    const help = command("--help");
    expect(help).toMatch(/usage: coarsegrad/i);
    const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
    expect(command("--version").trim()).toBe(version);
  });
});

describe("in a Worker", () => {
  it("classifies as on the main thread", () => {
    const script = `
      import { parentPort, workerData } from "node:worker_threads";
      import { createSession } from "coarsegrad/infer";
      const { bytes, pixels } = workerData;
      const session = createSession(bytes, { warmUp: 1 });
      parentPort.postMessage([...session.run(pixels)]);`;
    const main = `
      import { Worker } from "node:worker_threads";
      import { lenet5 } from "coarsegrad/models";
      import { pack } from "coarsegrad/export";
      import { prepare } from "coarsegrad/quant";
      import { createSession } from "coarsegrad/infer";
      const bytes = pack(prepare(lenet5(), { weights: 1, activations: 4 }), { inputShape: [28, 28, 1] });
      const pixels = Uint8Array.from({ length: 784 }, (_, i) => (i * 37) % 256);
      const worker = new Worker("./worker.mjs", { workerData: { bytes, pixels }, execArgv: [] });
      worker.once("message", (logits) => {
        const own = [...createSession(bytes).run(pixels)];
        console.log(JSON.stringify(logits) === JSON.stringify(own) && logits.length === 10 && logits.every(Number.isFinite));
      });`;
    writeFileSync(path.join(consumer.folder, "worker.mjs"), script);
    expect(expectSuccess(process.execPath, ["--input-type=module", "-e", main]).trim()).toBe("true");
  });
});

describe("a model with rare kinds of nodes", () => {
  it("is refused by createSession until openSession has loaded them, and so in a Worker", () => {
    const script = `
      import { parentPort, workerData } from "node:worker_threads";
      import { createSession, openSession } from "coarsegrad/infer";
      const { bytes, pixels } = workerData;
      let refused = "";
      try { createSession(bytes); } catch (error) { refused = error.name; }
      const session = await openSession(bytes);
      parentPort.postMessage([refused, ...session.run(pixels), ...createSession(bytes).run(pixels)]);`;
    const main = `
      import { Worker } from "node:worker_threads";
      import { pack } from "coarsegrad/export";
      import { createSession } from "coarsegrad/infer";
      import { Linear, Sequential, Tanh } from "coarsegrad/nn";
      const bytes = pack(new Sequential(new Linear(3, 4), new Tanh()), { inputShape: [3] });
      const pixels = Uint8Array.of(1, 100, 255);
      const worker = new Worker("./rare-worker.mjs", { workerData: { bytes, pixels }, execArgv: [] });
      worker.once("message", (found) => {
        const own = [...createSession(bytes).run(pixels)];
        console.log(JSON.stringify(found) === JSON.stringify(["FormatError", ...own, ...own]));
      });`;
    writeFileSync(path.join(consumer.folder, "rare-worker.mjs"), script);
    expect(expectSuccess(process.execPath, ["--input-type=module", "-e", main]).trim()).toBe("true");
  });
});

describe("a consumer's type check", () => {
  const options = {
    target: "ES2022",
    lib: ["ES2022", "ESNext.Disposable", "DOM"],
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
  };
  const resolutions = {
    bundler: { module: "ESNext", moduleResolution: "bundler" },
    nodenext: { module: "NodeNext", moduleResolution: "nodenext" },
  };

  /** Checks `source` as a project of its own; what it compiles to is in `out/`. */
  function compile(resolution: keyof typeof resolutions, file: string, extra: object): void {
    const compilerOptions = { ...options, ...resolutions[resolution], ...extra, outDir: "out" };
    writeFileSync(path.join(consumer.folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: [file] }));
    expectSuccess(process.execPath, [tool("tsc"), "-p", "tsconfig.json"]);
  }

  it.each(Object.keys(resolutions) as (keyof typeof resolutions)[])("passes with %s, without Node's types", (name) => {
    const entries = entriesOf(consumer).filter((entry) => entry !== "coarsegrad/node");
    const lines = entries.map((entry, i) => `import * as entry${i} from "${entry}";\nvoid entry${i};`);
    writeFileSync(path.join(consumer.folder, "every.ts"), lines.join("\n"));
    compile(name, "every.ts", {});
    compile(name, "program.ts", {});
  });

  it.each([
    ["without lib's disposables", ["ES2022", "DOM"]],
    ["without the DOM", ["ES2022"]],
  ])("passes %s", (_, lib) => {
    const entries = entriesOf(consumer).filter((entry) => entry !== "coarsegrad/node");
    const lines = entries.map((entry, i) => `import * as entry${i} from "${entry}";\nvoid entry${i};`);
    // What the global names stand for where they are real, and where they are not.
    const use = lib.includes("DOM")
      ? "createSession(bytes).dispose(); init({ module: new WebAssembly.Module(new Uint8Array(8)) });"
      : "createSession(bytes).dispose();";
    const program = `import { createSession, init } from "coarsegrad/infer";\nimport { writeNpy } from "coarsegrad/io";
      const bytes = writeNpy([1], new Float32Array(1));\n${use}\nvoid init;
      export const size: number = bytes.length;`;
    writeFileSync(path.join(consumer.folder, "libs.ts"), [...lines, program].join("\n"));
    compile("nodenext", "libs.ts", { lib });
  });

  it("has nothing in its declarations that TypeScript 5.4 does not know: arrays are generic from 5.7 on", () => {
    const dist = path.join(consumer.installed, "dist");
    for (const name of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
      if (!name.endsWith(".d.ts")) continue;
      expect(readFileSync(path.join(dist, name), "utf8"), name).not.toMatch(
        /(?:Int|Uint|Float)\w*Array<|NoInfer<.*Array</,
      );
    }
  });

  it("passes for coarsegrad/node with Node's types", () => {
    linkNodeTypes(consumer.folder);
    writeFileSync(path.join(consumer.folder, "node.ts"), 'import * as node from "coarsegrad/node";\nvoid node;\n');
    compile("nodenext", "node.ts", { types: ["node"] });
  });

  it("gives a program that runs", () => {
    compile("nodenext", "program.ts", {});
    const script = 'import { program } from "./out/program.js"; console.log(JSON.stringify(program()));';
    const result = JSON.parse(expectSuccess(process.execPath, ["--input-type=module", "-e", script]));
    expect(result.loss).toBeLessThan(0.01);
    expect(result.logits).toEqual(result.trained);
    expect(result.arrays).toBe(0);
  });
});

/** Names of a chunk and of all that it imports at once, not of what it loads when asked to. */
function staticChunks(outputs: Metafile["outputs"], name: string, found = new Set<string>()): Set<string> {
  if (found.has(name)) return found;
  found.add(name);
  for (const { path: other, kind, external } of outputs[name].imports) {
    if (kind !== "dynamic-import" && external !== true) staticChunks(outputs, other, found);
  }
  return found;
}

describe("its weight", () => {
  it("is reported, and coarsegrad and coarsegrad/infer keep their promises", async () => {
    const bundle = async (entry: string) => {
      const stdin = { contents: `export * from "${entry}";`, resolveDir: consumer.folder };
      const { outputFiles, metafile } = await build({
        stdin,
        bundle: true,
        minify: true,
        format: "esm",
        write: false,
        splitting: true,
        outdir: "weight",
        absWorkingDir: consumer.folder,
        metafile: true,
        platform: entry === "coarsegrad/node" ? "node" : "browser",
      });
      const main = Object.keys(metafile.outputs).find(
        (name) => metafile.outputs[name].entryPoint === "<stdin>",
      ) as string;
      const chunks = staticChunks(metafile.outputs, main);
      const files = outputFiles.filter((file) =>
        chunks.has(path.relative(consumer.folder, file.path).replaceAll(path.sep, "/")),
      );
      const contents = Buffer.concat(files.map((file) => file.contents));
      const inputs = [...chunks].flatMap((name) => Object.keys(metafile.outputs[name].inputs));
      // The bundles say which modules they are made of.
      const bundles = inputs.filter((name) => name !== "<stdin>");
      const modules = bundles.flatMap((name) => {
        const text = readFileSync(path.resolve(consumer.folder, name), "utf8");
        return [...text.matchAll(/^\/\/ (\w+)\/[\w./-]+\.js$/gm)];
      });
      const rooms = modules.map(([, room]) => room);
      return { entry, bytes: contents.length, gzip: gzipSync(contents).length, rooms, inputs };
    };
    const sizes = await Promise.all(entriesOf(consumer).map(bundle));
    const kilobytes = (bytes: number) => `${(bytes / 1024).toFixed(1)} KB`;
    const lines = sizes.map(
      ({ entry, bytes, gzip }) => `  ${entry}: ${kilobytes(bytes)} minified, ${kilobytes(gzip)} gzipped`,
    );
    console.log([`tarball: ${kilobytes(statSync(consumer.tarball).size)}`, ...lines].join("\n"));

    // Kernels for several threads and with relaxed SIMD are loaded by those who ask for them.
    const variants = sizes.filter(({ inputs }) => inputs.some((name) => /wasm-(?:threads|relaxed)/.test(name)));
    expect(variants.map(({ entry }) => entry)).toEqual([]);
    expect(sizes.find(({ entry }) => entry === "coarsegrad")!.gzip).toBeLessThanOrEqual(LIBRARY_LIMIT);
    const infer = sizes.find(({ entry }) => entry === "coarsegrad/infer")!;
    expect(infer.gzip).toBeLessThanOrEqual(INFER_LIMIT);
    expect([...new Set(infer.rooms)].sort()).toEqual(["codes", "core", "format", "infer", "io", "kernels", "memory"]);
  });
});
