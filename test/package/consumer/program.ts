/** @file What a newcomer would write, against the installed package alone: a small net learns XOR. Runs in Node and in a page. */
import { manualSeed, memory, mse, noGrad, scope, tensor } from "coarsegrad";
import { Linear, Sequential, Tanh } from "coarsegrad/nn";
import { Adam } from "coarsegrad/optim";

export interface Outcome {
  /** Mean squared error of the last step. */
  loss: number;
  /** What the net says to the four inputs. */
  outputs: number[];
  /** Arrays alive at the end. */
  arrays: number;
}

const INPUTS = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
];
const WANTED = [[0], [1], [1], [0]];

/** Trains from a fixed seed, frees everything, and tells how it went. */
export function program(): Outcome {
  manualSeed(1);
  const net = new Sequential(new Linear(2, 8), new Tanh(), new Linear(8, 1));
  const optimizer = new Adam(net.parameters(), { lr: 0.05 });
  let loss = Number.NaN;
  for (let step = 0; step < 300; step++) {
    loss = scope(() => {
      optimizer.zeroGrad();
      const error = mse(net.forward(tensor(INPUTS)), tensor(WANTED));
      error.backward();
      optimizer.step();
      return error.item();
    });
  }
  const outputs = scope(() => noGrad(() => [...net.forward(tensor(INPUTS)).toTypedArray()]));
  net.dispose();
  optimizer.dispose();
  return { loss, outputs, arrays: memory().arrays };
}
