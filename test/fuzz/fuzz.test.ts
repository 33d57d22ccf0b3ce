/**
 * @file Damaged files of every format give a value or an error of the library, soon;
 * `npm run fuzz -- FORMAT --count N --seed S` asks for more.
 */
import { expect, it } from "vitest";
import { CoarsegradError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { memory } from "../../src/kernels/index.js";
import { cpuMilliseconds } from "../cpu.js";
import { run as disk } from "./disk.js";
import { run as elastic } from "./elastic.js";
import { FORMATS } from "./formats.js";
import { run as kills } from "./kills.js";
import { mutated } from "./mutate.js";

const { COARSEGRAD_FUZZ_FORMAT: only, COARSEGRAD_FUZZ_COUNT: COUNT, COARSEGRAD_FUZZ_SEED = "1" } = process.env;
/** Milliseconds of processor time that one file may take. */
const MOST = 5000;

it.each(Object.entries(FORMATS).filter(([name]) => only === undefined || name === only))(
  "%s",
  (name, { make, read }) => {
    const counts = { read: 0, refused: 0 };
    const before = memory().bytes;
    // In the suite, the slow formats get a fifth: ONNX has a test of ten thousand files of its own.
    const files = Number(COUNT ?? (name === "onnx" || name === "jpeg" ? 100 : 500));
    for (let n = 0; n < files; n++) {
      const rng = new Rng(`${name} ${COARSEGRAD_FUZZ_SEED} ${n}`);
      const bytes = mutated(make(rng), rng);
      const copy = bytes.slice();
      const started = process.cpuUsage();
      try {
        read(bytes);
        counts.read++;
      } catch (error) {
        if (!(error instanceof CoarsegradError)) throw new Error(`${name}, file ${n}: ${(error as Error).stack}`);
        expect(error.message.length).toBeLessThan(20_000);
        counts.refused++;
      }
      expect(cpuMilliseconds(started), `${name}, file ${n}`).toBeLessThan(MOST);
      expect(Buffer.compare(bytes, copy), `${name}, file ${n} was written to`).toBe(0);
    }
    expect(memory().bytes).toBe(before);
    if (COUNT !== undefined) console.log(`${name}: ${counts.read} read, ${counts.refused} refused, 0 raw errors`);
    expect(counts.refused).toBeGreaterThan(0);
  },
);

/**
 * What is damaged by the outside world, not in its bytes. The suite has small versions of its own beside the run
 * folders' tests.
 */
const EVENTS: Readonly<Record<string, (count: number, seed: number) => Promise<number>>> = { kills, elastic, disk };

it.each(Object.entries(EVENTS).filter(([name]) => name === only))("%s", async (name, run) => {
  const events = await run(Number(COUNT), Number(COARSEGRAD_FUZZ_SEED));
  console.log(`${name}: ${events} events, nothing lost or mixed`);
  expect(events).toBeGreaterThan(0);
});
