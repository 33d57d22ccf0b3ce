// The worker of train-in-worker.html: one function, called from the page.
import { createRun, runConfig } from "coarsegrad/run";
import { serve } from "coarsegrad/worker";

serve({
  async train(settings, options) {
    const { accuracy, packed } = await createRun(runConfig(settings), options);
    return { top1: accuracy.top1, model: packed.bytes };
  },
});
