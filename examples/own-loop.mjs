// A training loop by hand: what fit does, in the open. Quantized from the first step, packed and verified at the end.
import { crossEntropy, manualSeed, noGrad, scope, tensor } from "coarsegrad";
import { DataLoader, digits } from "coarsegrad/data";
import { pack, verify } from "coarsegrad/export";
import { lenet5 } from "coarsegrad/models";
import { BCGD, SGD } from "coarsegrad/optim";
import { calibrate, prepare } from "coarsegrad/quant";
import { imageTensor } from "coarsegrad/train";

manualSeed(5);
const { train, test } = digits({ train: 1500, test: 300 });
const net = prepare(lenet5(), { weights: 1, activations: 4 });
const loader = new DataLoader(train, { batch: 50, shuffle: true, seed: 5 });
await calibrate(net, loader.epoch(0));

const base = (parameters) => new SGD(parameters, { lr: 0.02, momentum: 0.9 });
const optimizer = new BCGD(net.parameters(), { base, rho: 1e-5 });
for (let epoch = 0; epoch < 3; epoch++) {
  let [loss, count] = [0, 0];
  for await (const { images, shape, labels } of loader.epoch(epoch)) {
    scope(() => {
      optimizer.zeroGrad();
      const cost = crossEntropy(net.forward(imageTensor(images, shape)), tensor(labels, { dtype: "i32" }));
      cost.backward();
      optimizer.step();
      loss += cost.item();
      count++;
    });
  }
  console.log(`epoch ${epoch + 1}: loss ${(loss / count).toFixed(3)}`);
}

net.eval();
const logits = scope(() => noGrad(() => net.forward(imageTensor(test.images, [test.count, ...test.shape])).toArray()));
const right = logits.filter((row, n) => row.indexOf(Math.max(...row)) === test.labels[n]).length;
const { identical } = await verify(net, pack(net, { inputShape: test.shape }), test);
console.log(`1W4A: ${right} of ${test.count} right, packed file identical: ${identical}`);
