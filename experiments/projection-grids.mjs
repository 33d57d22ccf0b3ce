/**
 * @file How wide a grid the released code's single step finds for 4-bit weights, beside Lloyd's alternation, on the
 * latent convolution weights of a trained network: means over the layers.
 * `npm run build && node experiments/projection-grids.mjs RUN/checkpoint.safetensors`
 */
import { readFileSync } from "node:fs";
import { init } from "coarsegrad";
import { readSafetensors } from "coarsegrad/io";
import { oneShot, uniform } from "coarsegrad/quant";

/** Step, squared error as a share of ‖w‖², and share of zero codes. */
function gridOf(rule, weights) {
  const codes = new Int8Array(weights.length);
  const step = rule.project(weights, codes);
  let error = 0;
  let norm = 0;
  for (const [i, weight] of weights.entries()) {
    error += (weight - step * codes[i]) ** 2;
    norm += weight ** 2;
  }
  return { step, error: error / norm, zeros: codes.filter((code) => code === 0).length / codes.length };
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const percent = (share) => `${(100 * share).toFixed(1)} %`;

try {
  const [file, ...rest] = process.argv.slice(2);
  if (file === undefined || rest.length > 0)
    throw new Error(`expected one checkpoint of a run, got ${process.argv.slice(2).join(" ") || "none"}`);
  await init();
  const { tensors } = readSafetensors(readFileSync(file), file);
  const weights = [...tensors]
    .filter(([name]) => /^model\.(.*\.)?conv\d\.weight$/.test(name))
    .map(([, { data }]) => data);
  if (weights.length === 0)
    throw new Error(`${file}: expected weights of convolutions (model.….conv1.weight), got none`);
  const single = weights.map((layer) => gridOf(oneShot(), layer));
  const exact = weights.map((layer) => gridOf(uniform({ bits: 4 }), layer));
  const both = (name) =>
    [single, exact].map((grids) => percent(mean(grids.map((grid) => grid[name])))).join(" against ");
  console.log(`${weights.length} layers, one step against the alternation`);
  console.log(`step           ${mean(single.map(({ step }, i) => step / exact[i].step)).toFixed(2)} times as wide`);
  console.log(`squared error  ${both("error")} of ‖w‖²`);
  console.log(`zeros          ${both("zeros")}`);
} catch (error) {
  console.error(`projection-grids: ${error.message}`);
  process.exitCode = 2;
}
