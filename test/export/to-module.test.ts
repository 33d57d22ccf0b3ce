/**
 * @file Self-contained modules: imported from a file of their own they give the session's numbers, in Node and in a
 * browser.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { pack, toModule } from "../../src/export/index.js";
import { createSession } from "../../src/infer/index.js";
import { lenet5 } from "../../src/models/index.js";
import { Linear, ReLU, Sequential, Sigmoid, Tanh } from "../../src/nn/index.js";
import { prepare } from "../../src/quant/prepare.js";
import { withPage } from "../browser/page.js";
import { noChromium } from "../tools.js";
import { pixels, settle } from "./nets.js";

/** Class names are data: none of these may end the script that they stand in, begin a comment, or run. */
const classes = [
  ...["zero", "one", "</script>", "</SCRIPT><img src=x onerror=document.title='run'>", "<!--<script>", "\u2028\u2029"],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is text.
  ...["`${x}\\'\"", "</ScRiPt\n>", "__proto__", "\u001b[31m\u202enine"],
];
let bytes: Uint8Array;
let text: string;
let folder: string;
let images: Uint8Array;
let logits: number[];
let labels: string[];

beforeAll(() => {
  const rng = new Rng("module");
  using net = prepare(lenet5({ rng }), { weights: 1, activations: 4 });
  settle(net, rng);
  bytes = pack(net, { inputShape: [28, 28, 1], classes });
  text = toModule(bytes);
  images = pixels(rng, 3, [28, 28, 1]);
  using session = createSession(bytes);
  logits = [...session.run(images)];
  labels = Array.from(session.predict(images), (index) => classes[index]);
  folder = mkdtempSync(path.join(tmpdir(), "coarsegrad-module-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a user does with the module: canvas pixels of each image, then all at once. */
const USE = `
  const canvas = (n) => {
    const data = new Uint8ClampedArray(4 * 784);
    for (let p = 0; p < 784; p++) data.fill(images[784 * n + p], 4 * p, 4 * p + 3);
    return { width: 28, height: 28, data };
  };
  const found = [0, 1, 2].map((n) => predict(canvas(n)));
  const result = {
    labels: found.map(({ label }) => label),
    logits: found.flatMap(({ logits }) => [...logits]),
    all: [...run(images)],
    inputShape,
    classes,
  };`;

function expectSame(result: {
  labels: string[];
  logits: number[];
  all: number[];
  inputShape: number[];
  classes: string[];
}) {
  expect(result.inputShape).toEqual([28, 28, 1]);
  expect(result.classes).toEqual(classes);
  expect(result.all).toEqual(logits);
  expect(result.logits).toEqual(logits);
  expect(result.labels).toEqual(labels);
}

describe("toModule", () => {
  it("gives one file of the model's size and the runtime's, the same each time, that imports and fetches nothing", () => {
    expect(toModule(bytes)).toBe(text);
    expect(text.length).toBeLessThan(1.4 * bytes.length + 140_000);
    expect(text).not.toMatch(/\bimport\b\s*[("'{*]|\brequire\(|\bfetch\(/);
    // Neither data nor runtime: the text can be put into a page's script element.
    expect(text).not.toMatch(/<[/!?]|<script/i);
    for (const bad of ["\u2028", "\u2029", "\u001b", "\u202e"]) expect(text).not.toContain(bad);
    expect(() => toModule(new Uint8Array(30), "x.cgm")).toThrow(/^x\.cgm: /);
  });

  it("runs in Node, from a folder with nothing else", () => {
    writeFileSync(path.join(folder, "model.mjs"), text);
    const script = `import { classes, inputShape, predict, run } from "./model.mjs";
      const images = Uint8Array.from(${JSON.stringify([...images])});
      ${USE}
      console.log(JSON.stringify(result));`;
    writeFileSync(path.join(folder, "use.mjs"), script);
    expectSame(JSON.parse(execFileSync(process.execPath, ["use.mjs"], { cwd: folder, encoding: "utf8" })));
  });

  it.skipIf(noChromium)("runs in Chromium, on real ImageData and in a Worker", async () => {
    const worker = `import { predict } from "/model.js";
      onmessage = ({ data }) => postMessage([...predict(data).logits]);`;
    const files = { "model.js": text, "worker.js": worker };
    const result = await withPage(files, (page) =>
      page.evaluate(`(async () => {
        const { classes, inputShape, predict, run } = await import("/model.js");
        const images = Uint8Array.from(${JSON.stringify([...images])});
        ${USE}
        const real = new ImageData(canvas(1).data, 28, 28);
        const worker = new Worker("/worker.js", { type: "module" });
        const answer = new Promise((resolve, reject) => {
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = reject;
        });
        worker.postMessage(real);
        return { ...result, real: [...predict(real).logits], inWorker: await answer };
      })()`),
    );
    const { real, inWorker, ...same } = result as Parameters<typeof expectSame>[0] &
      Record<"real" | "inWorker", number[]>;
    expectSame(same);
    expect(real).toEqual(logits.slice(10, 20));
    expect(inWorker).toEqual(real);
  });

  it("holds rare kinds of nodes if the model does, and not else", async () => {
    using net = new Sequential(new Linear(3, 4, { rng: new Rng(1) }), new Tanh(), new Sigmoid());
    const rare = toModule(pack(net, { inputShape: [3] }));
    using plain = new Sequential(new Linear(3, 4), new ReLU());
    const common = toModule(pack(plain, { inputShape: [3] }));
    expect(rare.length).toBeGreaterThan(common.length + 500);
    expect(rare.length).toBeLessThan(common.length + 20_000);
    const file = path.join(folder, "rare.mjs");
    writeFileSync(file, rare);
    const { run } = await import(file);
    using session = createSession(pack(net, { inputShape: [3] }));
    const values = Uint8Array.of(0, 100, 255, 1, 2, 3);
    expect([...run(values)]).toEqual([...session.run(values)]);
  });
});
