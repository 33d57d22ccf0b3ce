/** @file The worker that reads pictures: sessions of the integer runtime alone, a few tens of kilobytes of code. */
import { createSession, type Session } from "coarsegrad/infer";
import { serve, transfer } from "coarsegrad/worker";
import { layerMaps } from "./layer-maps.js";
import type { LayerMaps, Reading } from "./reading.js";

/** Time spent on measuring one picture, and most runs of it. */
const MILLISECONDS = 6;
const RUNS = 30;

const sessions = new Map<string, Session>();
let traced: Session | null = null;

/** Runs a picture until its time is known. */
function timed(session: Session, pixels: Uint8Array): { output: Float32Array; milliseconds: number } {
  const output = session.run(pixels);
  const start = performance.now();
  let runs = 0;
  do {
    session.run(pixels, output);
    runs++;
  } while (runs < RUNS && performance.now() - start < MILLISECONDS);
  return { output, milliseconds: (performance.now() - start) / runs };
}

function softmax(logits: Float32Array): number[] {
  const most = logits.reduce((a, b) => Math.max(a, b));
  const powers = Array.from(logits, (x) => Math.exp(x - most));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

const handlers = {
  /** Takes a network; that of the first call shows its layers. */
  load(model: string, bytes: Uint8Array): void {
    sessions.get(model)?.dispose();
    sessions.set(model, createSession(bytes, { maxBatch: 1, warmUp: 3 }));
    traced ??= createSession(bytes, { maxBatch: 1, fuse: false });
  },
  read(pixels: Uint8Array): { readings: Reading[]; layers: LayerMaps[] } {
    const readings = [...sessions].map(([model, session]): Reading => {
      const { output, milliseconds } = timed(session, pixels);
      const label = output.indexOf(output.reduce((a, b) => Math.max(a, b)));
      return { model, probabilities: softmax(output), label, milliseconds };
    });
    const layers: LayerMaps[] = [];
    traced?.runTraced(pixels, (value) => layers.push(layerMaps(value)));
    return transfer({ readings, layers });
  },
};

export type ReaderHandlers = typeof handlers;

serve(handlers);
