/** @file docs/servers.md: each of its programs serves many requests from flat memory. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { pack } from "../../src/export/index.js";
import { lenet5 } from "../../src/models/index.js";
import { prepare } from "../../src/quant/index.js";
import { bundleProgram } from "../bundle.js";
import { programsOf } from "./pages.js";

const programs = programsOf("servers.md");
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "coarsegrad-servers-"));
  using net = lenet5();
  writeFileSync(
    path.join(folder, "model.cgm"),
    pack(prepare(net, { weights: 1, activations: 4 }), { inputShape: [28, 28, 1] }),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a program of the page with lines that use it; what they print, as JSON. */
async function run(number: number, lines: string): Promise<unknown> {
  const [entry, outfile] = ["ts", "mjs"].map((ending) => path.join(folder, `${number}.${ending}`));
  const memory = 'import { memory as counts } from "coarsegrad";\nconsole.warn = () => {};\n';
  writeFileSync(entry, `${memory}${programs[number]}\n${lines}`);
  await bundleProgram(entry, outfile);
  return JSON.parse(execFileSync(process.execPath, [outfile], { cwd: folder, encoding: "utf8" }));
}

it("the page has the three programs that are run here", () => {
  expect(programs).toHaveLength(3);
});

it("a session behind a server answers, refuses, and takes no more memory", async () => {
  const told = (await run(
    0,
    `await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = "http://127.0.0.1:" + server.address().port;
    const ask = async (bytes) => (await fetch(address, { method: "POST", body: bytes })).json();
    const answers = [await ask(new Uint8Array(784).fill(9)), await ask(new Uint8Array(5))];
    const before = JSON.stringify(counts());
    for (let n = 0; n < 300; n++) await ask(new Uint8Array(n % 3 === 0 ? 5 : 784));
    server.closeAllConnections();
    server.close();
    console.log(JSON.stringify({ answers, flat: JSON.stringify(counts()) === before }));`,
  )) as { answers: { label?: number; error?: string }[]; flat: boolean };
  expect(told.flat).toBe(true);
  expect(told.answers[0].label).toBeGreaterThanOrEqual(0);
  expect(told.answers[1].error).toMatch(/not a whole number of images/);
});

it("a network in a scope answers without arrays left", async () => {
  const lines = `handle([1, 2, 3, 4]);
    const before = counts();
    for (let n = 0; n < 1000; n++) handle([n, 2, 3, 4]);
    const after = counts();
    console.log(JSON.stringify({ answer: handle([1, 2, 3, 4])[0].length, arrays: after.arrays - before.arrays, bytes: after.reservedBytes - before.reservedBytes }));`;
  expect(await run(1, lines)).toEqual({ answer: 3, arrays: 0, bytes: 0 });
});

it("a network for each request is disposed of, together with its optimizer, and init stays quiet", async () => {
  const lines = `const first = await handle(1);
    const before = counts();
    await Promise.all([1, 2, 3].map(handle));
    init({ backend: "wasm" });
    const again = await handle(1);
    const after = counts();
    console.log(JSON.stringify({ same: first.join() === again.join(), arrays: after.arrays, left: after.arrays - before.arrays }));`;
  expect(await run(2, lines)).toEqual({ same: true, arrays: 0, left: 0 });
});
