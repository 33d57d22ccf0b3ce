/** @file Names in files that would act on a terminal: every command that prints them shows them escaped. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parse } from "../../src/cli/program.js";
import { describeFailure } from "../../src/cli/ui/failure.js";
import { Rng } from "../../src/core/rng.js";
import { pack } from "../../src/export/index.js";
import { readPacked, writePacked } from "../../src/format/index.js";
import { writeSafetensors } from "../../src/io/index.js";
import { mlp } from "../../src/models/index.js";

const EVIL = "\u001b]0;owned\u0007\u009b31m\u202e\u0085\u2066";
const BAD = [...EVIL].filter((character) => character > "~" || character < " ");
let folder: string;
let model: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "coarsegrad-names-"));
  using net = mlp({ sizes: [784, 4, 10], rng: new Rng(1) });
  const classes = Array.from({ length: 10 }, (_, i) => `${EVIL}${i}`);
  const { plan, data } = readPacked(pack(net, { inputShape: [28, 28, 1], classes }));
  const renamed = (id: string): string => (id === "input" ? id : `${EVIL}${id}`);
  const nodes = plan.nodes.map((node) => ({
    ...node,
    id: renamed(node.id),
    ...("input" in node && { input: renamed(node.input) }),
  }));
  model = path.join(folder, `${EVIL}.cgm`);
  const bytes = writePacked(
    { ...plan, nodes, output: renamed(plan.output) } as typeof plan,
    new Map([...data].map(([id, node]) => [renamed(id), node])),
  );
  writeFileSync(model, bytes);
  writeFileSync(path.join(folder, "seven.pgm"), Buffer.concat([Buffer.from("P5 28 28 255\n"), Buffer.alloc(784, 9)]));
  writeFileSync(
    path.join(folder, "type.safetensors"),
    Buffer.from(
      writeSafetensors([{ name: EVIL, shape: [1], data: new Float32Array(1) }]).map((b) => (b === 0x46 ? 0x58 : b)),
    ),
  );
  writeFileSync(
    path.join(folder, "metadata.safetensors"),
    writeSafetensors([], { format: "coarsegrad-checkpoint", version: EVIL }),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** All that a command writes, with the line that its failure becomes. */
async function output(...args: string[]): Promise<string> {
  let text = "";
  const take = (chunk: unknown): boolean => {
    text += `${chunk}`;
    return true;
  };
  const spies = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, "write").mockImplementation(take));
  try {
    await parse(args);
  } catch (error) {
    text += describeFailure(error).line;
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return text;
}

/** What a test asks of all text of a command. */
function expectEscaped(text: string): void {
  expect(text).toMatch(/\\u001b|\\u009b/);
  for (const bad of BAD) expect(text).not.toContain(bad);
}

describe("a run in a folder of such a name, on pictures of such classes", () => {
  let run: string;
  const names = [EVIL, "<img src=x onerror=alert(1)>", "__proto__", "constructor", "'\"`\\", "two\nlines"];
  beforeAll(() => {
    const data = path.join(folder, "pictures");
    for (const [i, name] of names.entries()) {
      mkdirSync(path.join(data, name), { recursive: true });
      for (const j of [0, 1]) {
        const pixels = Buffer.alloc(3 * 64, 40 * i + j);
        writeFileSync(path.join(data, name, `${EVIL}${j}.ppm`), Buffer.concat([Buffer.from("P6 8 8 255\n"), pixels]));
      }
    }
    run = path.join(folder, `${EVIL} <img src=x> run`);
  });
  const all = () => `imagefolder:${path.join(folder, "pictures")}`;
  // One after the other: each works on what the first left.
  it.each<[string, () => string[]]>([
    [
      "train",
      () =>
        `train --model mlp --image-size 8 --bits 2W4A --epochs 1 --batch 4 --threads 1 --workers 0 --out`
          .split(" ")
          .concat(run, "--data", all()),
    ],
    ["train again", () => ["train", "--data", all(), "--model", "mlp", "--threads", "1", "--out", run]],
    ["train --resume", () => ["train", "--resume", "--threads", "1", "--out", run]],
    ["eval", () => ["eval", run, "--threads", "1"]],
    ["verify", () => ["verify", run]],
    ["verify --json", () => ["verify", run, "--json"]],
    ["pack", () => ["pack", run, "--module", path.join(folder, `${EVIL}.js`)]],
    ["summary", () => ["summary", run]],
    ["export", () => ["export", run, "--out", path.join(folder, `${EVIL}run.onnx`)]],
    ["report", () => ["report", run]],
    ["infer", () => ["infer", path.join(run, "model.cgm"), path.join(folder, "pictures", EVIL)]],
  ])("%s", async (name, args) => {
    const text = await output(...args());
    if (name.startsWith("verify")) {
      // It names layers and the data set, not the folders.
      expect(text).toContain("fc.0_scale");
      for (const bad of BAD) expect(text).not.toContain(bad);
    } else expectEscaped(text);
    if (name === "train again") expect(text).toContain("already holds a run");
    else expect(text).not.toMatch(/expected .*, got /);
  });
  it("leaves files in which no tag begins", () => {
    const module = readFileSync(path.join(folder, `${EVIL}.js`), "utf8");
    const report = readFileSync(path.join(run, "report.html"), "utf8");
    expect(module).not.toMatch(/<[/!?]|<script|<img/i);
    expect(report).not.toContain("<img");
    for (const bad of BAD) expect(module + report).not.toContain(bad);
    expect(readPacked(readFileSync(path.join(run, "model.cgm"))).plan.classes).toEqual([...names].sort());
  });
});

it.each<[string, (at: (file: string) => string) => string[]]>([
  ["summary", () => ["summary", model]],
  ["summary --json", () => ["summary", model, "--json"]],
  ["infer", (at) => ["infer", model, at("seven.pgm")]],
  ["infer --json", (at) => ["infer", model, at("seven.pgm"), "--json"]],
  ["eval", () => ["eval", model, "--data", "digits", "--limit", "2", "--threads", "1"]],
  ["export", (at) => ["export", model, "--out", at(`${EVIL}.onnx`)]],
  ["a file that is not there", () => ["eval", `${EVIL}.cgm`, "--data", "digits", "--threads", "1"]],
  ["a tensor of an unknown type", (at) => ["summary", at("type.safetensors")]],
  ["metadata of another version", (at) => ["summary", at("metadata.safetensors")]],
  ["an unknown option's value", () => ["summary", model, "--data", EVIL]],
  ["an unknown command", () => [EVIL]],
])("%s", async (_, args) => {
  expectEscaped(await output(...args((file) => path.join(folder, file))));
});
