/**
 * @file Milliseconds that a second of sound takes: front end and network, one clip at a time.
 *
 *     npm run build && node experiments/sound-speed.mjs FLOAT.cgm [MODEL.cgm]
 *
 * Clips of noise of the front end's length; medians of 200, after 50 that are not counted; models in turn.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { createSession } from "../dist/infer/index.js";
import { clipLength, LogMel, recognizer } from "../dist/sound/index.js";

const own = path.join(import.meta.dirname, "dscnn-fsdd-1w4a", "model.cgm");
const files = process.argv.length > 2 ? process.argv.slice(2) : [own];
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
const made = files.map((file) => {
  const session = createSession(readFileSync(file));
  const { front } = recognizer(session);
  const samples = Float32Array.from({ length: clipLength(front) }, (_, n) => Math.sin(n * n) / 8);
  const ear = new LogMel(front);
  return { file, session, ear, samples, seconds: samples.length / front.rate, times: { ear: [], network: [] } };
});
for (let run = -50; run < 200; run++) {
  for (const { session, ear, samples, times } of made) {
    const start = performance.now();
    const codes = ear.clip(samples);
    const heard = performance.now();
    session.run(codes);
    const end = performance.now();
    if (run < 0) continue;
    times.ear.push(heard - start);
    times.network.push(end - heard);
  }
}
for (const { file, session, seconds, times } of made) {
  const [front, network] = [times.ear, times.network].map((all) => median(all) / seconds);
  console.log(
    `${file}: front end ${front.toFixed(2)} ms + network ${network.toFixed(2)} ms = ${(front + network).toFixed(2)} ms a second of sound`,
  );
  session.dispose();
}
