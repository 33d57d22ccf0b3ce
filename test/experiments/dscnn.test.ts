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
