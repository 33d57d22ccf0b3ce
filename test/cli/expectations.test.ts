/** @file What a user expects of the commands that take files and folders: what was written is told, what is meant is taken. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { encode } from "fast-png";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digits } from "../../src/data/digits.js";
import { Workbench } from "./run.js";

let bench: Workbench;
beforeAll(async () => {
  bench = await Workbench.open();
  const trained = await bench.run(
    ..."train --model mlp --limit 300 --test-limit 100 --epochs 1 --bits 2W4A --ranks 1 --out runs/first --quiet".split(
      " ",
    ),
  );
  expect(trained.code).toBe(0);
  mkdirSync(bench.file("scans"));
  const { test } = digits({ train: 0, test: 3 });
  for (let n = 0; n < 3; n++) {
    const data = test.images.slice(n * 784, (n + 1) * 784);
    writeFileSync(bench.file("scans", `${n}.png`), encode({ width: 28, height: 28, channels: 1, data }));
  }
  writeFileSync(bench.file("scans", "notes.txt"), "not a picture");
});
afterAll(() => bench?.close());

interface Guess {
  label: number;
  class: string;
  probability: number;
}
type Result = Guess & { image: string; top?: Guess[] };

describe("infer", () => {
  it("takes a folder of pictures and the folder of a run, and tells names and shares", async () => {
    const results = await bench.json<Result[]>("infer", "runs/first", "scans");
    expect(results.map(({ image }) => image)).toEqual(["scans/0.png", "scans/1.png", "scans/2.png"]);
    const same = await bench.json<Result[]>("infer", "runs/first/model.cgm", "scans");
    expect(same.map(({ probability }) => probability)).toEqual(results.map(({ probability }) => probability));
    const { stdout } = await bench.run("infer", "runs/first", "scans");
    for (const result of results) {
      expect(result.class).toBe(`${result.label}`);
      expect(result.top).toBeUndefined();
      expect(stdout).toMatch(
        new RegExp(`^${result.image} +${result.class} +${(100 * result.probability).toFixed(2)} % `, "m"),
      );
    }
    expect(await bench.json<Result[]>("infer", "runs/first", "scans", "--limit", "2")).toHaveLength(2);
    const { code, stderr } = await bench.run("infer", "runs/first", "scans", "--index", "3");
    expect(stderr).toMatch(/^coarsegrad: --index: does not go with the other options; expected --data NAME\n$/);
    expect(code).toBe(2);
  });

  it("tells the likeliest classes in their order, and all of them add up to one", async () => {
    const [plain] = await bench.json<Result[]>("infer", "runs/first", "scans");
    const [three] = await bench.json<Result[]>("infer", "runs/first", "scans", "--top", "3");
    const [all] = await bench.json<Result[]>("infer", "runs/first", "scans", "--top", "99");
    const { label, class: name, probability } = plain;
    expect(three.top?.[0]).toEqual({ label, class: name, probability });
    expect(three.top).toEqual(all.top?.slice(0, 3));
    expect(all.top?.map((guess) => guess.label).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const shares = all.top?.map((guess) => guess.probability) ?? [];
    expect([...shares].sort((a, b) => b - a)).toEqual(shares);
    expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6);
    const { stdout } = await bench.run("infer", "runs/first", "scans", "--top", "2");
    expect(stdout.split("\n")[0]).toMatch(/^image +class +share +2\. +share +ms$/);
    const second = `${(100 * shares[1]).toFixed(2)} %`;
    expect(stdout.split("\n")[2]).toMatch(new RegExp(`^scans/0.png +${name} .* ${three.top?.[1].class} +${second}`));
  });
});

describe("pack --module", () => {
  it("says what it wrote", async () => {
    const { code, stdout } = await bench.run("pack", "runs/first", "--out", "a.cgm", "--module", "a.js");
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^a\.cgm: [\d.]+ kB .*\na\.js: [\d.]+ [kM]B, model and runtime in one file: import \{ predict \}\n$/,
    );
    const answer = await bench.json<{ moduleBytes: number }>("pack", "runs/first", "--module", "b.js");
    expect(answer.moduleBytes).toBe(statSync(bench.file("b.js")).size);
    await bench.json("pack", "runs/first", "--out", "new/a.cgm", "--module", "new/modules/a.js");
    await bench.json("export", "runs/first", "--out", "new/onnx/a.onnx");
    expect(readFileSync(bench.file("new", "a.cgm"))).toEqual(readFileSync(bench.file("a.cgm")));
    const blocked = await bench.run("export", "runs/first", "--out", "a.cgm/a.onnx");
    expect(blocked.stderr).toMatch(
      /^coarsegrad: a\.cgm\/a\.onnx: cannot be written; expected a folder to write in, got /,
    );
    expect(readFileSync(bench.file("a.js"), "utf8")).toContain("export const predict");
    expect((await bench.json<{ module?: string }>("pack", "runs/first")).module).toBeUndefined();
  });
});

describe("train --resume RUN", () => {
  it("goes on there, and takes no other folder beside it", async () => {
    expect(await bench.json("train", "--resume", "runs/first")).toMatchObject({ run: "runs/first", epochs: 1 });
    expect(await bench.json("train", "--resume", "runs/first", "--out", "./runs/first")).toMatchObject({ epochs: 1 });
    const { code, stderr } = await bench.run("train", "--resume", "runs/first", "--out", "runs/other");
    expect(stderr).toMatch(
      /^coarsegrad: --resume: two folders for one run; expected --resume RUN, .*; a run goes on where it is\n$/,
    );
    expect(code).toBe(2);
  });
});
