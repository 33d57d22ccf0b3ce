/** @file A run in Node for scripts/bench-site.mjs: prints its epochs and the SHA-256 of its weights as JSON. */
import { createRun, runConfig } from "coarsegrad/run";

const started = performance.now();
let trained = Number.NaN;
const { metrics, weightsSha256 } = await createRun(runConfig(JSON.parse(process.argv[2])), {
  onTrained: () => {
    trained = performance.now();
  },
});
const rates = metrics.map(({ imagesPerSecond }) => imagesPerSecond);
console.log(JSON.stringify({ rates, seconds: (trained - started) / 1000, weightsSha256 }));
