/** @file Every program and every command of the guide runs; those of docs/ run here or in a test that is named. */
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../../scripts/run.mjs";
import { Rng } from "../../src/core/rng.js";
import { pack } from "../../src/export/index.js";
import { lenet5 } from "../../src/models/index.js";
import { exportOnnx } from "../../src/onnx/index.js";
import { prepare } from "../../src/quant/index.js";
import { pagesInOne } from "../browser/page.js";
import { fromSource } from "../bundle.js";
import { Workbench } from "../cli/run.js";
import { noChromium } from "../tools.js";
import { type Block, blocksOf, commandsOf, type Program, pagesOf, programsOf } from "./blocks.js";
import { PNG } from "./png.js";

const GUIDE = pagesOf("site/pages");
const DOCS = ["README.md", ...pagesOf("docs")];

/** Tests that run the programs of a page of docs/ themselves. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "docs/servers.md": "test/docs/servers.test.ts",
  "docs/workers.md": "test/docs/workers.test.ts",
};
/** What the n-th program of a page of docs/ or of the README takes for granted, and how what it says is made small. */
const BEFORE: Readonly<Record<string, string>> = {
  "docs/onnx.md#1": `
    import { readFile } from "node:fs/promises";
    import { readFileSync } from "node:fs";
    import { lenet5 } from "coarsegrad/models";
    import { prepare } from "coarsegrad/quant";
    const net = prepare(lenet5(), { weights: 1, activations: 4 });
    const packedBytes = readFileSync("model.cgm");`,
  "docs/scale.md#1": `
    import { mlp } from "coarsegrad/models";
    import { digits } from "coarsegrad/data";
    import { SGD } from "coarsegrad/optim";
    import { fit } from "coarsegrad/train";
    import { saveNetwork } from "coarsegrad/node";
    const net = mlp({ sizes: [784, 8, 10] });
    const data = digits({ train: 64, test: 1 }).train;
    const optimizer = new SGD(net.parameters(), { lr: 0.1 });`,
  "docs/scale.md#2": `
    import { mlp } from "coarsegrad/models";
    import { digits } from "coarsegrad/data";
    import { SGD } from "coarsegrad/optim";
    import * as training from "coarsegrad/train";
    const net = mlp({ sizes: [784, 8, 10] });
    const data = digits({ train: 64, test: 1 }).train;
    const optimizer = new SGD(net.parameters(), { lr: 0.1 });
    const fit = (net, data, options) => training.fit(net, data, { ...options, epochs: 1, optimizer });`,
  "docs/sound.md#1": `
    import { readFileSync } from "node:fs";
    const bytes = readFileSync(${JSON.stringify(path.join(root, "experiments", "dscnn-fsdd-1w4a", "model.cgm"))});
    const samples = new Float32Array(44_100);
    const piece = new Float32Array(96_000);
    const show = console.log;`,
  "README.md#2": `
    import { mlp } from "coarsegrad/models";
    import { prepare, staircase } from "coarsegrad/quant";
    const net = mlp({ sizes: [784, 8, 10] });`,
};
/** Blocks of the README and of docs/ that do not go on with the one before them. */
const ALONE = ["docs/scale.md#2", "README.md#2", "README.md#3"];
/** Programs that ask the engine for something; Node 20 has it behind a flag. */
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  "docs/relaxed.md#1": Number(process.versions.node.split(".")[0]) < 22 ? ["--experimental-wasm-relaxed-simd"] : [],
};

/** Programs of docs/ and of the README, each block by itself where it says so. */
function documents(): Program[] {
  const pages = DOCS.filter((page) => ELSEWHERE[page] === undefined);
  return pages.flatMap((page) => {
    const blocks = blocksOf(page).filter(({ language }) => ["js", "ts"].includes(language));
    return blocks.map(({ text }, i) => ({ name: `${page}#${i + 1}`, page, text }));
  });
}

const programs = [...GUIDE.flatMap(programsOf), ...documents()];

/** The same program on less: data, epochs. */
function smaller(text: string): string {
  const least = (most: number) => (_: string, name: string, value: string) => `${name}: ${Math.min(most, +value)}`;
  return text
    .replace(/\b(train): (\d+)/g, least(200))
    .replace(/\b(test|limit): (\d+)/g, least(100))
    .replace(/\b(epochs): (\d+)/g, least(1));
}

let folder: string;
let bench: Workbench;
const fileOf = (name: string): string => `${name.replace(/[^\w]+/g, "-")}.mjs`;

beforeAll(async () => {
  bench = await Workbench.open();
  folder = bench.folder;
  using net = lenet5({ rng: new Rng(1) });
  writeFileSync(path.join(folder, "theirs.onnx"), exportOnnx(net, { inputShape: [28, 28, 1], inputType: "f32" }));
  prepare(net, { weights: 1, activations: 4 });
  writeFileSync(path.join(folder, "model.cgm"), pack(net, { inputShape: [28, 28, 1] }));
  const [plan] = blocksOf("site/pages/guide/quick-start-research.md").filter(({ language }) => language === "json");
  writeFileSync(path.join(folder, "plan.json"), plan.text);
  for (const [part, kind] of ["train", "val"].flatMap((p) => ["cat", "dog"].map((k) => [p, k]))) {
    mkdirSync(path.join(folder, "pictures", part, kind), { recursive: true });
    writeFileSync(path.join(folder, "pictures", part, kind, "1.png"), PNG);
    writeFileSync(path.join(folder, "pictures", part, kind, "2.png"), PNG);
  }
  // The raw module is found as in an installed package.
  mkdirSync(path.join(folder, "node_modules"));
  symlinkSync(root, path.join(folder, "node_modules", "coarsegrad"), "junction");
  const sources = path.join(folder, "sources");
  mkdirSync(sources);
  for (const { name, text, file, throws } of programs) {
    const code = throws === undefined ? smaller(text) : text;
    writeFileSync(path.join(sources, file ?? fileOf(name)), `${BEFORE[name] ?? ""}\n${code}\n`);
  }
  await build({
    entryPoints: programs.map(({ name, file }) => path.join(sources, file ?? fileOf(name))),
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2022",
    platform: "node",
    external: ["koffi"],
    plugins: [fromSource],
    logLevel: "error",
  });
});
afterAll(() => bench?.close());

/** Runs a program to its end; what it printed, or the error that ended it. */
function run(name: string, file = fileOf(name)): Promise<{ stdout: string; stderr: string; code: number }> {
  const args = [...(FLAGS[name] ?? []), path.join(folder, file)];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder }, (error, stdout, stderr) => {
      resolve({ stdout, stderr, code: error === null ? 0 : Number(error.code ?? 1) });
    });
  });
}

describe("programs", () => {
  const plain = programs.filter(({ file, throws }) => file === undefined && throws === undefined);
  it.each(plain.map(({ name }) => name))("%s", async (name) => {
    const { code, stderr } = await run(name);
    expect(code, stderr).toBe(0);
  });
  const failing = programs.filter(({ throws }) => throws !== undefined);
  it.each(failing.map(({ name, throws }) => [name, throws as NonNullable<typeof throws>] as const))(
    "%s ends as it says",
    async (name, { type, words }) => {
      const { code, stderr } = await run(name);
      expect(code).not.toBe(0);
      expect(stderr).toMatch(new RegExp(`^${type}: `, "m"));
      expect(stderr).toContain(words);
    },
  );
  it("that others run elsewhere are run there", () => {
    for (const [page, test] of Object.entries(ELSEWHERE)) {
      expect(readFileSync(path.join(root, test), "utf8")).toContain(path.basename(page));
    }
  });
  it("that begin anew are those that are known", () => {
    const names = programs.map(({ name }) => name);
    expect([...Object.keys(BEFORE), ...ALONE, ...Object.keys(FLAGS)].filter((name) => !names.includes(name))).toEqual(
      [],
    );
  });
});

describe.skipIf(noChromium)("pages", () => {
  const withPage = pagesInOne();
  const pages = GUIDE.flatMap(blocksOf).filter(({ language }) => language === "html");
  it.each(pages.map((block) => [`${block.page}:${block.line}`, block] as const))("%s", async (name, { text }) => {
    const [, script] = /<script type="module">([\s\S]*?)<\/script>/.exec(text) as RegExpExecArray;
    const entry = path.join(folder, "sources", `page-${fileOf(name)}`);
    writeFileSync(entry, script);
    const { outputFiles } = await build({
      entryPoints: [entry],
      bundle: true,
      format: "esm",
      write: false,
      plugins: [fromSource],
    });
    const html = `<!doctype html><link rel="icon" href="data:,">${text.replace(script, outputFiles[0].text.replaceAll("$", "$$$$"))}`;
    const files = { "index.html": html, "model.cgm": readFileSync(path.join(folder, "model.cgm")) };
    await withPage(files, async (page) => {
      if (text.includes("onpointermove")) {
        await page.waitForFunction("document.querySelector('canvas').onpointermove !== null");
        const box = (await page.locator("canvas").boundingBox()) as { x: number; y: number };
        await page.mouse.move(box.x + 100, box.y + 100);
        await page.mouse.down();
        await page.mouse.move(box.x + 180, box.y + 180);
      }
      await page.waitForFunction("/\\d/.test(document.querySelector('output').value)");
    });
  });
});

/** Commands that are not the library's, as they may stand in the guide. */
const KNOWN = [/^npm ci$/, /^npm pack$/, /^npm install \S*coarsegrad-\d+\.\d+\.\d+\.tgz$/];

/** A command of the library made small: few images, one epoch; sweeps are only listed. */
function small(command: readonly string[]): string[] {
  const [name, ...rest] = command;
  const args = rest.map((word, n) =>
    /^--(?:epochs|limit)$/.test(rest[n - 1] ?? "") ? `${Math.min(+word, 64)}` : word,
  );
  const epochs = args.indexOf("--epochs");
  if (epochs >= 0) args[epochs + 1] = "1";
  if (name === "train") {
    if (!args.includes("--limit")) args.push("--limit", "64");
    args.push("--test-limit", "20", "--force");
  }
  if (name === "sweep" && !args.includes("--dry-run")) args.push("--dry-run");
  return [name, ...args];
}

/** Ranks, and threads that decode pictures, start from the bundled program. */
const startsWorkers = (words: readonly string[]): boolean =>
  words.some((word) => /^(?:--ranks|imagefolder:.*)$/.test(word));

describe("commands of the guide", () => {
  const shell = GUIDE.flatMap(blocksOf).filter(({ language }) => language === "sh");
  it.each([...new Set(shell.map(({ page }) => page))])("%s", async (page) => {
    for (const command of shell.filter((block) => block.page === page).flatMap(commandsOf)) {
      const [npx, name, ...args] = command;
      if (npx !== "npx" || name !== "coarsegrad") {
        expect(
          KNOWN.some((known) => known.test(command.join(" "))),
          command.join(" "),
        ).toBe(true);
        continue;
      }
      const words = small(args);
      const { code, stderr } = await (startsWorkers(words) ? bench.child(...words) : bench.run(...words));
      expect(code, `${command.join(" ")}\n${stderr}`).toBe(0);
    }
  });
});

describe("commands of docs/ and the README", () => {
  /** The commands of the library in a block, without what a shell makes of them. */
  const ours = (block: Block): string[][] =>
    commandsOf(block)
      .map((command) =>
        command.slice(command.findIndex((word, n) => word === "coarsegrad" && command[n - 1] === "npx")),
      )
      .filter(([first]) => first === "coarsegrad")
      .map(([, ...command]) => command);
  it("have the options that they are given", async () => {
    const shell = DOCS.flatMap(blocksOf).filter(({ language }) => language === "sh");
    const commands = shell.flatMap(ours);
    expect(commands.length).toBeGreaterThan(20);
    const names = [...new Set(commands.map(([name]) => name))].filter((name) => !name.startsWith("-"));
    const help = new Map<string, string>();
    for (const name of names) {
      const full = await bench.run(name, "--help-all");
      help.set(name, full.code === 0 ? full.stdout : (await bench.run(name, "--help")).stdout);
    }
    for (const [name, ...args] of commands.filter(([first]) => names.includes(first))) {
      const unknown = args.filter((arg) => arg.startsWith("--")).map((arg) => arg.replace(/=.*$/, ""));
      const text = help.get(name) as string;
      for (const option of unknown) expect(text, `${name} ${option}`).toMatch(new RegExp(`${option}\\b`));
    }
  });
  it("of npm are scripts that are there", () => {
    const { scripts } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
    const shell = [...DOCS, ...GUIDE].flatMap(blocksOf).filter(({ language }) => language === "sh");
    const named = shell.flatMap(({ text }) => [...text.matchAll(/npm run ([\w:]+)/g)].map((match) => match[1]));
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});

describe("blocks", () => {
  /** Languages by what becomes of them: run above, read as data, or shown alone. */
  const TREATED = { js: "run", ts: "run", html: "run", sh: "run", json: "data", text: "shown", c: "shown" };
  it("are of a kind that is tested, or say that they are only shown", () => {
    const strange = GUIDE.flatMap(blocksOf).filter(({ language }) => !(language in TREATED));
    expect(strange.map(({ page, line, language }) => `${page}:${line}: ${language}`)).toEqual([]);
    // Pages of docs/ also have drawings and what commands print, without a language.
    const documents = DOCS.flatMap(blocksOf).filter(({ language }) => language !== "" && !(language in TREATED));
    expect(documents.map(({ page, line, language }) => `${page}:${line}: ${language}`)).toEqual([]);
  });
  it("of data are JSON", () => {
    for (const { text } of [...GUIDE, ...DOCS].flatMap(blocksOf).filter(({ language }) => language === "json")) {
      expect(() => JSON.parse(text)).not.toThrow();
    }
  });
  it("that are only shown hold no program", () => {
    const shown = GUIDE.flatMap(blocksOf).filter(({ language }) => language === "text");
    expect(shown.filter(({ text }) => /\bimport\b|npx coarsegrad|npm /.test(text))).toEqual([]);
  });
  it("stand in fences: no indented program or command escapes", () => {
    for (const page of GUIDE) {
      const text = readFileSync(path.join(root, page), "utf8").replace(/^```[\s\S]*?^```$/gm, "");
      expect(text, page).not.toMatch(/^ {4}(?:npx|npm|import|const) /m);
    }
  });
});
