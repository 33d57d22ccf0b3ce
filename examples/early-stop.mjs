// End when validation stops improving, and keep the best weights.
import { manualSeed } from "coarsegrad";
import { digits } from "coarsegrad/data";
import { pack, verify } from "coarsegrad/export";
import { mlp } from "coarsegrad/models";
import { Adam, BCGD } from "coarsegrad/optim";
import { calibrate, prepare } from "coarsegrad/quant";
import { best, earlyStop, evaluate, fit } from "coarsegrad/train";

manualSeed(6);
const { train, test } = digits({ train: 400, test: 300 });
const net = mlp({ sizes: [784, 64, 10] });

const run = async (optimizer) => {
  const keeper = best({ monitor: "valAccuracy" });
  const callbacks = [earlyStop({ monitor: "valAccuracy", patience: 3 }), keeper];
  const { metrics } = await fit(net, train, { epochs: 60, optimizer, batch: 50, validation: test, callbacks });
  const { top1 } = await evaluate(net, test);
  console.log(
    `${metrics.length} of 60 epochs, best ${keeper.epoch} with ${top1}: ${top1 === metrics[keeper.epoch - 1].valAccuracy}`,
  );
};
await run(new Adam(net.parameters(), { lr: 0.002 }));
prepare(net, { weights: 1, activations: 4 });
await calibrate(net, [{ images: train.images, shape: [train.count, ...train.shape] }]);
await run(new BCGD(net.parameters(), { base: (parameters) => new Adam(parameters, { lr: 0.002 }), rho: 1e-4 }));

const { identical } = await verify(net, pack(net, { inputShape: test.shape }), test);
console.log(`1W4A packed: identical: ${identical}`);
