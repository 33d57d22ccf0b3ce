/** @file The worker that trains a float LeNet-5 for comparison, on generated digits. */
import { createRun, runConfig } from "coarsegrad/run";
import { serve, transfer } from "coarsegrad/worker";

const handlers = {
  async train(limit: number, { onShare }: { onShare: (share: number) => void }): Promise<Uint8Array> {
    const config = runConfig({ model: "lenet5", data: "digits", limit, testLimit: 100, epochs: 2, augment: "shift" });
    let told = 0;
    const { packed } = await createRun(config, {
      onProgress: ({ epoch, epochs, step, steps }) => {
        if (performance.now() - told < 200) return;
        told = performance.now();
        onShare((epoch - 1 + step / steps) / epochs);
      },
    });
    return transfer(packed!.bytes);
  },
};

export type FloatHandlers = typeof handlers;

serve(handlers);
