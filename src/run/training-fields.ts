/** @file Settings of what good recipes add to training; none of them is on unless it is chosen. */
import { type Facts, row } from "./field.js";
import { choice, flag, real, whole } from "./kinds.js";

const trains = ({ trains }: Facts): string | null => (trains ? null : "a --method that trains");
/** A test set is not for choosing. */
const chooses = (facts: Facts): string | null =>
  trains(facts) ?? (facts.validates ? null : "--validate N: the test images are not for choosing");

/** The share of the learning rate that steps of activations have by themselves. */
export const ALPHA_RATE = 0.01;

/** Rows of the table of settings. */
export const TRAINING_FIELDS = {
  ema: row("run?", {
    flags: "--ema <decay>",
    help: "train as ever, and take for the result the exponential average of the weights over the steps, such as 0.999: evaluated after every epoch, packed and verified",
    kind: real({ min: 0, below: 1 }),
    needs: trains,
  }),
  swa: row("run?", {
    flags: "--swa <epoch>",
    help: "the same with the mean of the weights that epochs from this one on end with",
    kind: whole({ min: 1 }),
    needs: trains,
    refuses(epoch, { ema, epochs }) {
      if (ema) return "one of --ema and --swa";
      return epoch <= epochs ? null : `an epoch of the run, 1 to ${epochs}`;
    },
  }),
  mixup: row("run?", {
    flags: "--mixup <alpha>",
    help: "blend each image, and its target, with another one of its shard, by parts of Beta(alpha, alpha), such as 0.2; 0: none",
    kind: real({ min: 0 }),
    initial: 0,
    initialText: "0",
    needs: trains,
    otherwise: 0,
  }),
  rhoSchedule: row("quant?", {
    flags: "--rho-schedule <name>",
    help: "bcgd: constant, or lr: --rho falls with the learning rate, by the same factor",
    kind: choice(["constant", "lr"]),
    initial: "constant",
    needs: ({ method }) => (method === "bcgd" ? null : "--method bcgd"),
    otherwise: "constant",
  }),
  alphaLr: row("quant?", {
    flags: "--alpha-lr <factor>",
    help: "learning rate of activation steps as a multiple of --lr",
    kind: real({ min: 0 }),
    initial: ALPHA_RATE,
    needs: trains,
    otherwise: ALPHA_RATE,
    refuses: (_, { bits }) => (bits.activations < 32 ? null : "--bits nWmA with quantized activations"),
  }),
  nesterov: row("run?", {
    flags: "--nesterov",
    help: "sgd: look ahead along the momentum, a step by the gradient plus momentum times the velocity",
    kind: flag,
    initial: false,
    needs: ({ optimizer }) => (optimizer === "sgd" ? null : "--optimizer sgd"),
    otherwise: false,
    refuses: (on, { momentum }) => (on && momentum === 0 ? "--momentum above 0" : null),
  }),
  normLr: row("run?", {
    flags: "--norm-lr <factor>",
    help: "learning rate of scales and shifts of batch norms as a multiple of --lr",
    kind: real({ min: 0 }),
    initial: 1,
    needs: trains,
    otherwise: 1,
  }),
  freeze: row("quant?", {
    flags: "--freeze <frequency>",
    help: "late in training, weights whose code turns back more often than in this share of steps keep their code, such as 0.02",
    kind: real({ min: 0, below: 1 }),
    needs: trains,
    refuses: (_, { bits, method }) =>
      bits.weights === 32 ? "--bits nWmA with quantized weights" : method === "relax" ? "--method bcgd or bc" : null,
  }),
  freezeFrom: row("quant?", {
    flags: "--freeze-from <epoch>",
    help: "the first epoch that --freeze looks at",
    kind: whole({ min: 1 }),
    initially: ({ epochs }) => Math.floor((2 * epochs) / 3) + 1,
    initialText: "after two thirds of them",
    needs: ({ freezes }) => (freezes ? null : "--freeze FREQUENCY"),
    // A run of no epochs has the first one by default, and never comes to it.
    refuses: (epoch, { epochs }) => (epoch <= Math.max(1, epochs) ? null : `an epoch of the run, 1 to ${epochs}`),
  }),
  validateSeed: row("run?", {
    flags: "--validate-seed <n>",
    help: "what chooses the images that --validate holds out: runs of different seeds, or one and its teacher, hold out the same",
    kind: whole({ min: 0, max: 2 ** 32 - 1 }),
    initialText: "that of --seed",
    needs: (facts) => trains(facts) ?? (facts.validates ? null : "--validate N"),
  }),
  evaluateEvery: row("run?", {
    flags: "--evaluate-every <epochs>",
    help: "look at the test images, or those that --validate holds out, after every so many epochs; always after the last",
    kind: whole({ min: 1 }),
    initial: 1,
    needs: trains,
    otherwise: 1,
  }),
  patience: row("run?", {
    flags: "--patience <epochs>",
    help: "end the run when the accuracy on the images that --validate holds out has not risen for so many looks at them",
    kind: whole({ min: 1 }),
    needs: chooses,
  }),
  keep: row("run?", {
    flags: "--keep <which>",
    help: "the result is the last epoch's weights, or the best one's on the images that --validate holds out: last, best",
    kind: choice(["last", "best"]),
    initial: "last",
    otherwise: "last",
    needs: trains,
    refuses: (which, facts) => (which === "best" ? chooses(facts) : null),
  }),
};
