/**
 * @file The bundle in processes of its own, each command once: it answers as the sources do in this process, where most
 * tests run them.
 */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Workbench } from "./run.js";

const SMALL = ["train", "--model", "mlp", "--limit", "200", "--test-limit", "100", "--epochs", "1"];
/** Answers that are measured and differ from run to run. */
const MEASURED = /"(?:\w*[sS]econds\w*|imagesPerSecond)": [\d.e+-]+/g;

let bench: Workbench;
beforeAll(async () => {
  bench = await Workbench.open();
  const { code, stderr } = await bench.run(...SMALL, "--bits", "1W4A", "--out", "run", "--quiet");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});
afterAll(() => bench?.close());

it("train gives the same weights, packed bytes and files", async () => {
  const { weightsSha256, packed } = JSON.parse(readFileSync(bench.file("run", "summary.json"), "utf8"));
  const own = await bench.childJson<Record<string, unknown>>(...SMALL, "--bits", "1W4A", "--out", "own");
  expect(own).toMatchObject({ weightsSha256, packed: { sha256: packed.sha256, top1: packed.top1 } });
  expect(readFileSync(bench.file("own", "model.cgm"))).toEqual(readFileSync(bench.file("run", "model.cgm")));
});

it.each([
  "eval run/model.cgm --data digits --limit 50 --json",
  "pack run --out packed.cgm --json",
  "export run --out run.onnx --json",
  "verify run --limit 20 --json",
  "infer run/model.cgm --data digits --index 3 --json",
  "summary run",
  "report run --out page.html --json",
  "data list --json",
  "data info mnist",
  "bench --help",
  "theory --help",
  "quickstart --help",
  "--version",
  "",
  "eval gone.cgm --data digits",
  "train --bits 3W",
  "summary run/model.cgm --fast",
])("%s: code, stdout and stderr", async (line) => {
  const args = line.split(" ").filter(Boolean);
  const [own, inside] = [await bench.child(...args), await bench.run(...args)];
  const told = ({ code, stdout, stderr }: typeof own) => ({ code, stdout: stdout.replace(MEASURED, "…"), stderr });
  expect(told(own)).toEqual(told(inside));
  expect(own.stdout + own.stderr).not.toBe("");
});
