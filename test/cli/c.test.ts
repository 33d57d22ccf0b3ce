/** @file C files on the command line: of a run as it is packed, and of a packed model. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { toC } from "../../src/export/index.js";
import { Workbench } from "./run.js";

let bench: Workbench;
beforeAll(async () => {
  bench = await Workbench.open();
  const small = ["--limit", "200", "--test-limit", "100", "--epochs", "1"];
  await bench.json("train", "--model", "mlp", "--bits", "1W4A", ...small, "--out", "runs/q");
});
afterAll(() => bench?.close());

const read = (file: string): string => readFileSync(bench.file(file), "utf8");

it("pack and export write what toC gives", async () => {
  const packed = await bench.json<Record<string, unknown>>("pack", "runs/q", "--c", "own", "--c-name", "seven");
  const model = new Uint8Array(readFileSync(bench.file("runs/q/model.cgm")));
  const { files, arenaBytes, ramBytes, constantBytes, output } = toC(model, { name: "seven", main: true });
  const c = ["seven.h", "seven.c"].map((name) => bench.file(`own/${name}`));
  expect(packed).toMatchObject({ c, arenaBytes, ramBytes, constantBytes, output, bytes: model.length });
  const exported = await bench.json<{ c: string[] }>(
    ...["export", "runs/q/model.cgm", "--c", "theirs", "--c-name", "seven", "--c-main"],
  );
  expect(exported).toMatchObject({ kind: "packed", ramBytes });
  expect(readdirSync(bench.file("theirs")).sort()).toEqual(Object.keys(files).sort());
  for (const [name, text] of Object.entries(files)) expect(read(`theirs/${name}`)).toBe(text);
  for (const name of ["seven.h", "seven.c"]) expect(read(`own/${name}`)).toBe(files[name]);
  expect(existsSync(bench.file("own/seven_main.c"))).toBe(false);
  await bench.json("export", "runs/q", "--c", "run");
  expect(read("run/checkpoint.c")).toBe(toC(model, { name: "checkpoint" }).files["checkpoint.c"]);
  expect(existsSync(bench.file("runs/q/model.onnx"))).toBe(false);
  const { stdout } = await bench.run("export", "runs/q/model.cgm", "--c", "told");
  expect(stdout).toMatch(/^told\/model\.h, told\/model\.c: model_run gives .* bytes of static RAM \(arena [\d,]+\)\n$/);
});

it.each([
  [["--c-name", "x"], /^coarsegrad: --c-name: does not go with the other options; expected --c DIR/],
  [["--c-main"], /^coarsegrad: --c-main: does not go/],
  [["--c", "o", "--c-name", "2x"], /^coarsegrad: --c-name: not a name of C/],
  [["--c", "o", "--out", "x.onnx"], /^coarsegrad: --out: does not go with --c/],
  [["--c", "o", "--pack"], /^coarsegrad: --pack: does not go with --c/],
])("export refuses %j", async (options, message) => {
  const { code, stderr } = await bench.run("export", "runs/q/model.cgm", ...options);
  expect(stderr).toMatch(message);
  expect(code).toBe(2);
  expect(existsSync(bench.file("o"))).toBe(false);
});
