/** @file A small model, trained and packed: the same bytes wherever this runs. */
import { init, Rng } from "coarsegrad";
import { digits } from "coarsegrad/data";
import { pack } from "coarsegrad/export";
import { lenet5 } from "coarsegrad/models";
import { SGD } from "coarsegrad/optim";
import { prepare } from "coarsegrad/quant";
import * as training from "coarsegrad/train";

// Once for each process, before anything is made.
init({ backend: "wasm" });

/** An image that all parts of the app classify. */
export const pixels = Uint8Array.from({ length: 28 * 28 }, (_, i) => (i * 37) % 256);

export async function makeModel() {
  using net = lenet5({ rng: new Rng(1) });
  prepare(net, { weights: 1, activations: 4 });
  using optimizer = new SGD(net.parameters(), { lr: 0.02, momentum: 0.9 });
  await training.fit(net, digits({ train: 64, test: 1 }).train, { epochs: 1, optimizer, recalibrate: true });
  return pack(net, { inputShape: [28, 28, 1] });
}
