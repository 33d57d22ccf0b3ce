/** @file The spoken digits' evidence: what the committed model is, and, where the data set is present, what it hears. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../src/core/sha256.js";
import { createSession } from "../../src/infer/index.js";
import { findDataDir, loadDataset } from "../../src/node/data-files.js";
import { withoutDigest } from "../../src/node/run/config-digest.js";
import { parseConfig } from "../../src/run/config.js";
import { packedAccuracy } from "../../src/run/packed.js";
import { recognizer, SPEECH_8K } from "../../src/sound/index.js";
import { configHash } from "../../src/train/digest.js";

const folder = path.join(import.meta.dirname, "..", "..", "experiments", "dscnn-fsdd-1w4a");
const json = (name: string) => JSON.parse(readFileSync(path.join(folder, name), "utf8"));
const bytes = new Uint8Array(readFileSync(path.join(folder, "model.cgm")));
const absent = await findDataDir("fsdd").then(
  () => false,
  () => true,
);

describe("the committed model", () => {
  it("is the one of its summary, its configuration and its verification", () => {
    const { packed, configSha256, top1, layers } = json("summary.json");
    expect(packed).toMatchObject({ bytes: bytes.length, sha256: sha256Hex(bytes), top1 });
    const config = withoutDigest(json("config.json"), "config.json");
    expect(configHash(parseConfig(config))).toBe(configSha256);
    expect(json("verify.json")).toMatchObject({ identical: true, images: 300, top1Packed: top1 });
    expect(top1).toBeGreaterThanOrEqual(96);
    expect(json("float-summary.json").top1).toBeGreaterThanOrEqual(97);
    expect(layers.map(({ weightBits }: { weightBits: number }) => weightBits)).toEqual(Array(10).fill(1));
    expect(layers.reduce((sum: number, { parameters }: { parameters: number }) => sum + parameters, 0)).toBe(21_888);
  });

  it("hears by its own front end", () => {
    using session = createSession(bytes);
    expect(recognizer(session).front).toEqual(SPEECH_8K);
    const { word, level } = recognizer(session).hear(new Float32Array(8000));
    expect(session.classes).toContain(word);
    expect(level).toBe(SPEECH_8K.floor);
  });

  it.skipIf(absent)(
    "has its accuracy on the test recordings (skipped where the data folder does not have them)",
    async () => {
      using session = createSession(bytes);
      const { test } = await loadDataset("fsdd", { limits: { train: 10 } });
      expect(await packedAccuracy(session, test)).toMatchObject({ images: 300, top1: json("summary.json").top1 });
    },
    60_000,
  );
});

describe("the speakers that were left out", () => {
  interface Row {
    readonly speaker: string;
    readonly bits: "float" | "1W4A";
    readonly top1: number;
    readonly packedTop1: number;
  }
  const root = path.join(folder, "..", "..");
  const rows = readFileSync(path.join(folder, "..", "dscnn-fsdd-speakers.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Row);
  const page = readFileSync(path.join(root, "docs", "sound.md"), "utf8");
  const of = (bits: Row["bits"]): Row[] => rows.filter((row) => row.bits === bits);

  it("are all six, in both widths, and their packed files hear what training heard", () => {
    const speakers = ["s0", "s1", "s2", "s3", "s4", "s5"];
    expect(of("float").map(({ speaker }) => speaker)).toEqual(speakers);
    expect(of("1W4A").map(({ speaker }) => speaker)).toEqual(speakers);
    expect(rows.filter(({ top1, packedTop1 }) => top1 !== packedTop1)).toEqual([]);
  });

  it("have the figures that the page tells", () => {
    const figures = (["float", "1W4A"] as const).map((bits) => {
      const top1 = of(bits).map((row) => row.top1);
      const mean = top1.reduce((sum, x) => sum + x) / 6;
      const deviation = Math.sqrt(top1.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 5);
      return `${mean.toFixed(2)} ± ${deviation.toFixed(2)}`;
    });
    expect(page).toContain(`| mean ± sample deviation | ${figures.join(" | ")} |`);
    of("float").forEach(({ speaker, top1 }, i) => {
      expect(page).toContain(`| ${speaker} | ${top1.toFixed(1)} | ${of("1W4A")[i].top1.toFixed(1)} |`);
    });
  });
});
