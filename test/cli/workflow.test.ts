import { readFileSync, writeFileSync } from "node:fs";
import { encode } from "fast-png";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digits } from "../../src/data/digits.js";
import { readPacked, writePacked } from "../../src/format/index.js";
import { readSafetensors, writeSafetensors } from "../../src/io/safetensors.js";
import { Workbench } from "./run.js";

/** From training to the report on a small network, each command on what the one before it wrote. */

interface Summary {
  run: string;
  bits: string;
  top1: number;
  weightsSha256: string;
  epochs: number;
  packed: { bytes: number; top1: number; sha256: string };
}

const SMALL = ["--model", "mlp", "--limit", "600", "--test-limit", "200"];
/** Methods that do not train. */
const POST_TRAINING = ["ptq", "comq"];
let bench: Workbench;
let float: Summary;
let bcgd: Summary;

beforeAll(async () => {
  bench = await Workbench.open();
  float = await bench.json("train", ...SMALL, "--epochs", "3", "--out", "runs/float");
  // One of them as users run it: what both processes write goes together.
  bcgd = await bench.childJson(
    "train",
    ...SMALL,
    "--bits",
    "1W4A",
    "--init",
    "runs/float",
    "--epochs",
    "2",
    "--out",
    "runs/bcgd",
  );
});
afterAll(() => bench?.close());

const text = (...parts: string[]) => readFileSync(bench.file(...parts), "utf8");

describe("train", () => {
  it("writes a run folder that says what was done", () => {
    const config = JSON.parse(text("runs", "bcgd", "config.json"));
    expect(config).toMatchObject({ model: "mlp", data: "digits", bits: "1W4A", limit: 600, epochs: 2, seed: 1 });
    expect(config.quant).toMatchObject({ method: "bcgd", rho: 1e-5, alphaRule: "three-valued", proxy: "clipped-relu" });
    expect(config.init.sha256).toMatch(/^[0-9a-f]{64}$/);
    const rows = text("runs", "bcgd", "metrics.jsonl")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(rows.map((row) => row.epoch)).toEqual([1, 2]);
    for (const row of rows) {
      expect(Object.keys(row.flipRatio)).toEqual(["fc.0", "fc.1", "fc.2"]);
      expect(Object.keys(row.alpha)).toEqual(["act.0", "act.1"]);
      expect(row.saturation["act.0"]).toBeGreaterThan(0);
    }
    const { run: _, ...summary } = bcgd as Summary & Record<string, unknown>;
    expect(JSON.parse(text("runs", "bcgd", "summary.json"))).toEqual(summary);
    expect(summary.command).toBe(
      `npx coarsegrad train ${SMALL.join(" ")} --bits 1W4A --init runs/float --epochs 2 --out runs/bcgd`,
    );
    expect(summary.weightsSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(readFileSync(bench.file("runs", "bcgd", "model.cgm")).length).toBe(bcgd.packed.bytes);
  });

  it("learns, and the packed file is as accurate as the network", () => {
    expect(float.top1).toBeGreaterThan(80);
    expect(bcgd.top1).toBeGreaterThan(60);
    expect(bcgd.packed.top1).toBe(bcgd.top1);
    expect(float.packed.top1).toBe(float.top1);
    expect(bcgd.packed.bytes).toBeLessThan(float.packed.bytes / 20);
  });

  it("gives the same weights again, and others with another seed", async () => {
    const again = await bench.json<Summary>("train", ...SMALL, "--epochs", "3", "--out", "runs/again");
    expect(again.weightsSha256).toBe(float.weightsSha256);
    expect(again.packed.sha256).toBe(float.packed.sha256);
    const other = await bench.json<Summary>(
      "train",
      ...SMALL,
      "--epochs",
      "1",
      "--seed",
      "2",
      "--out",
      "runs/again",
      "--force",
    );
    expect(other.weightsSha256).not.toBe(float.weightsSha256);
    expect(text("runs", "again", "metrics.jsonl").trim().split("\n")).toHaveLength(1);
  });

  it.each([
    ["bc", ["--method", "bc", "--alpha-rule", "pact", "--proxy", "relu"]],
    ["relax", ["--method", "relax", "--optimizer", "adam", "--granularity", "channel"]],
    ["ptq", ["--method", "ptq", "--calibrate", "percentile"]],
    ["comq", ["--method", "comq"]],
  ])("has the method %s", async (method, args) => {
    const epochs = POST_TRAINING.includes(method) ? [] : ["--epochs", "1"];
    const done = await bench.json<Summary & { method: string }>(
      "train",
      ...SMALL,
      "--bits",
      "2W4A",
      "--init",
      "runs/float",
      ...args,
      ...epochs,
      "--out",
      `runs/${method}`,
    );
    expect(done).toMatchObject({ method, bits: "2W4A", epochs: POST_TRAINING.includes(method) ? 0 : 1 });
    expect(done.top1).toBeGreaterThan(30);
    expect((await bench.json<{ identical: boolean }>("verify", `runs/${method}`, "--limit", "50")).identical).toBe(
      true,
    );
  });

  it("trains with augmentation, smoothing, warm-up and a kept float layer", async () => {
    const done = await bench.json<Summary>(
      "train",
      ...SMALL,
      "--bits",
      "32W4A",
      "--keep-float",
      "last",
      "--augment",
      "shift",
      "--label-smoothing",
      "0.1",
      "--schedule",
      "cosine:0.01",
      "--warmup",
      "0.5",
      "--epochs",
      "1",
      "--batch",
      "32",
      "--out",
      "runs/options",
    );
    expect(JSON.parse(text("runs", "options", "config.json"))).toMatchObject({
      schedule: { name: "cosine", min: 0.01, warmupEpochs: 0.5 },
      labelSmoothing: 0.1,
      augment: "shift",
      quant: { keepFloat: ["last"] },
    });
    expect(done.bits).toBe("32W4A");
  });

  it("shows progress on stderr as lines, and none with --quiet", async () => {
    const args = ["train", ...SMALL, "--epochs", "1", "--out", "runs/loud", "--force"];
    const loud = await bench.run(...args);
    expect(loud.stderr).toMatch(
      /train float +100 % {2}epoch 1\/1 {2}loss [\d.]+ {2}accuracy [\d.]+ % {2}test [\d.]+ % {2}\d+ images\/s/,
    );
    expect(loud.stdout).toMatch(/^accuracy +\d+\.\d\d % top-1/m);
    const quiet = await bench.run(...args, "--quiet");
    expect(quiet.stderr).toBe("");
    expect(quiet.code).toBe(0);
  });
});

describe("eval", () => {
  interface Answer {
    model: string;
    data: string;
    images: number;
    top1: number;
    top5: number;
    imagesPerSecond: number;
  }
  it.each(["runs/bcgd", "runs/bcgd/checkpoint.safetensors", "runs/bcgd/model.cgm"])(
    "gives the run's figure for %s",
    async (model) => {
      const answer = await bench.json<Answer>("eval", model, "--data", "digits", "--limit", "200");
      expect(answer).toMatchObject({ model, data: "digits/test", images: 200, top1: bcgd.top1 });
      expect(answer.top5).toBeGreaterThanOrEqual(answer.top1);
      expect(answer.imagesPerSecond).toBeGreaterThan(0);
    },
  );

  it("takes plain float weights with the network's name, as eval, summary and --init", async () => {
    const { tensors } = readSafetensors(readFileSync(bench.file("runs", "float", "checkpoint.safetensors")));
    const entries = [...tensors].flatMap(([name, { shape, data }]) =>
      name.startsWith("model.") ? [{ name: name.slice("model.".length), shape, data }] : [],
    );
    writeFileSync(bench.file("plain.safetensors"), writeSafetensors(entries));
    const answer = await bench.json<Answer>(
      ...["eval", "plain.safetensors", "--model", "mlp", "--data", "digits", "--limit", "200"],
    );
    expect(answer.top1).toBe(float.top1);
    const counted = await bench.json<{ weights: number }>("summary", "plain.safetensors", "--model", "mlp");
    expect(counted.weights).toBe(784 * 256 + 256 * 256 + 256 * 10);
    const args = [...SMALL, "--bits", "1W4A", "--init", "plain.safetensors", "--epochs", "2", "--out", "runs/plain"];
    expect((await bench.json<Summary>("train", ...args)).weightsSha256).toBe(bcgd.weightsSha256);
  });

  it("tells percent and images to people", async () => {
    const { stdout } = await bench.run("eval", "runs/bcgd/model.cgm", "--data", "digits", "--limit", "200");
    expect(stdout).toContain(`top-1  ${bcgd.top1.toFixed(2)} %`);
    expect(stdout).toContain("digits/test, 200 images");
  });
});

describe("pack, verify, summary", () => {
  it("packs the same bytes as training did", async () => {
    const packed = await bench.json<{ bytes: number; headerBytes: number; tensorBytes: number }>(
      "pack",
      "runs/bcgd",
      "--out",
      "again.cgm",
      "--module",
      "again.js",
    );
    const module = readFileSync(bench.file("again.js"), "utf8");
    expect(module).toContain("export const predict");
    expect(module).toContain(readFileSync(bench.file("again.cgm")).toString("base64"));
    expect(readFileSync(bench.file("again.cgm"))).toEqual(readFileSync(bench.file("runs", "bcgd", "model.cgm")));
    expect(packed.bytes).toBe(packed.headerBytes + packed.tensorBytes);
  });

  it("finds every code equal and notes it in the run", async () => {
    const found = await bench.json<{ identical: boolean; codes: { equal: number; total: number }; top1Packed: number }>(
      "verify",
      "runs/bcgd",
      "--limit",
      "200",
    );
    expect(found).toMatchObject({ identical: true, top1Packed: bcgd.top1 });
    expect(found.codes.equal).toBe(found.codes.total);
    expect(found.codes.total).toBe(200 * (256 + 256 + 784));
    const noted = (): unknown => JSON.parse(text("runs", "bcgd", "summary.json")).packed;
    expect(noted()).toMatchObject({ codesCompared: found.codes.total, codesEqual: found.codes.total });
    const fewer = await bench.json<{ codes: { total: number } }>("verify", "runs/bcgd", "--limit", "10");
    expect(fewer.codes.total).toBe(found.codes.total / 20);
    expect(noted()).toMatchObject({ codesCompared: found.codes.total, codesEqual: found.codes.total });
  });

  it("fails when a single code differs", async () => {
    const { plan, data } = readPacked(readFileSync(bench.file("again.cgm")));
    const [id, own] = [...data].find(([, { codes }]) => codes !== undefined)!;
    const codes = own.codes!.map((code, i) => (i === 5000 ? -code : code));
    writeFileSync(bench.file("flipped.cgm"), writePacked(plan, new Map([...data, [id, { ...own, codes }]])));
    const { code, stdout } = await bench.run("verify", "runs/bcgd", "--packed", "flipped.cgm", "--limit", "50");
    expect(stdout).toMatch(/codes identical: NO|values identical, bit by bit: NO/);
    expect(stdout).toMatch(/image \d+, position \d+: .* in training, .* packed/);
    expect(code).toBe(1);
  });

  it("refuses a file of which a bit was flipped", async () => {
    const bytes = readFileSync(bench.file("again.cgm"));
    bytes[bytes.length - 5000] ^= 1;
    writeFileSync(bench.file("damaged.cgm"), bytes);
    for (const command of [
      ["verify", "runs/bcgd", "--packed", "damaged.cgm"],
      ["summary", "damaged.cgm"],
    ]) {
      const { code, stderr } = await bench.run(...command);
      expect(stderr).toMatch(/damaged\.cgm: the file is damaged: checksum/);
      expect(code).not.toBe(0);
    }
  });

  it("counts the file's bytes", async () => {
    const counted = await bench.json<{ fileBytes: number; headerBytes: number; tensorBytes: number; weights: number }>(
      "summary",
      "runs/bcgd",
    );
    expect(counted.fileBytes).toBe(bcgd.packed.bytes);
    expect(counted.tensorBytes).toBe(counted.fileBytes - counted.headerBytes);
    expect(counted.weights).toBe(784 * 256 + 256 * 256 + 256 * 10);
    const { stdout } = await bench.run("summary", "runs/bcgd/model.cgm");
    expect(stdout).toMatch(/^fc\.0 +linear +256 +1 bit +8 bit +200,704/m);
  });
});

describe("infer", () => {
  const image = digits({ train: 0, test: 8 }).test.images.slice(7 * 784, 8 * 784);

  it("classifies an image of a data set, a PNG of it, and a folder", async () => {
    const known = await bench.json<{ label: number; probability: number; expected: number }>(
      "infer",
      "runs/bcgd/model.cgm",
      "--data",
      "digits",
      "--index",
      "7",
    );
    expect(known.expected).toBe(7);
    expect(known.probability).toBeGreaterThan(0.1);
    writeFileSync(bench.file("seven.png"), encode({ width: 28, height: 28, channels: 1, data: image }));
    const same = await bench.json<{ label: number; probability: number }>("infer", "runs/bcgd/model.cgm", "seven.png");
    expect(same).toMatchObject({ label: known.label, probability: known.probability });
    const paper = encode({ width: 28, height: 28, channels: 1, data: image.map((value) => 255 - value) });
    writeFileSync(bench.file("paper.png"), paper);
    const many = await bench.json<{ image: string; probability: number }[]>(
      "infer",
      "runs/bcgd/model.cgm",
      "seven.png",
      "paper.png",
      "--invert",
    );
    expect(many.map((row) => row.image)).toEqual(["seven.png", "paper.png"]);
    expect(many[1].probability).toBe(known.probability);
    const { stdout, stderr } = await bench.run("infer", "runs/bcgd/model.cgm", ".");
    expect(stdout).toMatch(/paper\.png[\s\S]*seven\.png/);
    expect(stderr).toContain("paper.png: dark on white? --invert");
  });

  it("takes the first ten of a data set without --index", async () => {
    const rows = await bench.json<{ expected: number }[]>("infer", "runs/bcgd/model.cgm", "--data", "digits");
    expect(rows.map((row) => row.expected)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe("report", () => {
  it("is one page without references to anything outside it", async () => {
    const { file, runs } = await bench.json<{ file: string; runs: string[] }>(
      "report",
      "runs/float",
      "runs/bcgd",
      "--out",
      "pages/compare.html",
      "--title",
      "float & <quantized>",
    );
    expect(runs).toEqual(["float", "bcgd"]);
    const page = readFileSync(file, "utf8");
    expect(page).toContain("<h1>float &#38; &#60;quantized&#62;</h1>");
    expect(page).not.toMatch(/\bsrc=|@import|url\(|fetch\(|XMLHttpRequest/);
    const references = [...page.matchAll(/\bhref=(.{0,24})/g)].map(([, start]) => start);
    expect(references.length).toBeGreaterThan(10);
    // Places on the page itself, and pictures inside it.
    for (const start of references) expect(start).toMatch(/^"(#[\w-]+"|data:image\/png;base64,)/);
    const data = JSON.parse(/<script type="application\/json" id="runs">(.*?)<\/script>/.exec(page)?.[1] ?? "");
    expect(data.map((run: { name: string }) => run.name)).toEqual(["float", "bcgd"]);
    expect(data[1].metrics[0].flipRatio["fc.0"]).toBeGreaterThan(0);
    expect(page).toMatch(/misreads \d+ of [\d,]+ test images/);
    expect(page).not.toContain("Left out");
    for (const figure of [`${bcgd.top1.toFixed(2)} %`, bcgd.weightsSha256, float.weightsSha256])
      expect(page).toContain(figure);
  });
});
