/**
 * @file The study as a list of runs, in the order in which they are wanted: what is trained, from what, how, and for
 * which table.
 *
 * `from` names the run whose weights a run starts from; without it a run starts from the public float ResNet-20. Paths
 * are relative to the output folder, so that commands in the evidence name no machine.
 */

/** The public float weights, as they are called in the output folder. */
export const PRETRAINED = "resnet20-cifar10.safetensors";

/**
 * @typedef {object} Run
 * @property {string} id folder below the output folder
 * @property {string} table
 * @property {string} row what it is called in the table
 * @property {"train" | "eval"} kind
 * @property {string} model
 * @property {string} bits `float` or nWmA
 * @property {readonly string[]} args options of `coarsegrad train`
 * @property {number} epochs
 * @property {number} images training images: all, or the first so many
 * @property {number} seed
 * @property {string | null} from id of the run that it starts from; null: random weights; PRETRAINED
 * @property {boolean} verify compare the packed file with the training graph over all test images
 */

/** Training images of CIFAR-10. */
const ALL = 50_000;

/** How all short schedules train, apart from rate and epochs. */
const COMMON = ["--data", "cifar10", "--batch", "128", "--augment", "crop-flip"];

/** @returns {Run} */
function train({
  id,
  table,
  row,
  bits,
  epochs,
  args = [],
  model = "resnet20",
  seed = 1,
  from = PRETRAINED,
  verify = false,
  images = ALL,
}) {
  const own = ["--model", model, ...COMMON, "--bits", bits, "--epochs", `${epochs}`, "--seed", `${seed}`, ...args];
  if (images !== ALL) own.push("--limit", `${images}`);
  return { id, table, row, kind: "train", model, bits, args: own, epochs, images, seed, from, verify };
}

/**
 * Without training: the nearest codes (`ptq`), or COMQ's, calibrated on images as the float weights were trained on.
 * @returns {Run}
 */
function postTraining(bits, method) {
  const id = `table1/${bits.toLowerCase()}-${method}`;
  const data = ["--data", "cifar10", "--augment", "crop-flip"];
  const args = ["--model", "resnet20", ...data, "--bits", bits, "--method", method, "--seed", "1"];
  const row = `${bits}, post-training, ${method === "ptq" ? "nearest codes" : "COMQ"}`;
  return {
    id,
    table: "1",
    row,
    kind: "train",
    model: "resnet20",
    bits,
    args,
    epochs: 0,
    images: ALL,
    seed: 1,
    from: PRETRAINED,
    verify: false,
  };
}

/** One cycle of SGD with the paper's momentum and decay; see docs/reproduction.md for how rates were chosen. */
const sgd = (lr, schedule = "onecycle") => [
  ...["--lr", lr, "--momentum", "0.95", "--weight-decay", "1e-4", "--schedule", schedule],
];

/** One cycle of Adam under the blending: for very few bits it gets further in few epochs. */
const adam = (lr) => ["--optimizer", "adam", "--lr", lr, "--weight-decay", "0", "--schedule", "onecycle"];

const CLASSIFIER_FLOAT = ["--keep-float", "last"];

/** The best rule of table 3 for α, with that table's start. */
const PACT = ["--calibrate", "half-gaussian", "--alpha-rule", "pact"];

function tableOne() {
  const bcgd = (bits, epochs, row, args, more = {}) =>
    train({ id: `table1/${bits.toLowerCase()}`, table: "1", row, bits, epochs, args, verify: true, ...more });
  return [
    {
      ...postTraining("32W32A", "ptq"),
      id: "table1/float",
      row: "float, public weights",
      kind: "eval",
      bits: "float",
      args: [],
    },
    bcgd("1W4A", 30, "1W4A, all convolutions binary, classifier float", [...adam("0.005"), ...CLASSIFIER_FLOAT]),
    ...["32W4A", "4W4A", "2W4A", "1W4A"].map((bits) => postTraining(bits, "ptq")),
    ...["4W4A", "2W4A", "1W4A"].map((bits) => postTraining(bits, "comq")),
    bcgd("4W4A", 8, "4W4A, classifier float", [...sgd("0.003"), ...CLASSIFIER_FLOAT]),
    bcgd("4W4A", 8, "4W4A, classifier float, rate 0.01", [...sgd("0.01"), ...CLASSIFIER_FLOAT], {
      id: "table1/4w4a-rate-0.01",
    }),
    bcgd("32W4A", 8, "32W4A", sgd("0.01")),
    bcgd(
      "4W4A",
      6,
      "4W4A, classifier float, PACT's rule from a half-Gaussian's step",
      [...sgd("0.01"), ...PACT, ...CLASSIFIER_FLOAT],
      {
        id: "table1/4w4a-pact",
      },
    ),
    bcgd("2W4A", 8, "2W4A, classifier float, from 32W4A", [...adam("0.002"), ...CLASSIFIER_FLOAT], {
      from: "table1/32w4a",
    }),
    bcgd(
      "2W4A",
      6,
      "2W4A, classifier float, a second cycle from the 2W4A above",
      [...adam("0.001"), ...CLASSIFIER_FLOAT],
      {
        id: "table1/2w4a-second",
        from: "table1/2w4a",
      },
    ),
    bcgd(
      "2W4A",
      6,
      "2W4A, classifier float, a third cycle, low rate, from the second",
      [...adam("0.0003"), ...CLASSIFIER_FLOAT],
      {
        id: "table1/2w4a-third",
        from: "table1/2w4a-second",
      },
    ),
    bcgd("32W4A", 3, "32W4A, a second cycle, low rate, from the 32W4A above", sgd("0.002"), {
      id: "table1/32w4a-second",
      from: "table1/32w4a",
    }),
    bcgd("4W4A", 3, "4W4A, classifier float, low rate, from the second 32W4A", [...sgd("0.003"), ...CLASSIFIER_FLOAT], {
      id: "table1/4w4a-from-32w4a",
      from: "table1/32w4a-second",
    }),
    bcgd(
      "4W4A",
      3,
      "4W4A, classifier float, the released code's projection, low rate, from the second 32W4A",
      [...sgd("0.003"), "--projection", "authors", ...CLASSIFIER_FLOAT],
      {
        id: "table1/4w4a-projection-authors",
        from: "table1/32w4a-second",
      },
    ),
    bcgd("1W4A", 8, "1W4A, classifier binary too, from the 1W4A above", adam("0.002"), {
      id: "table1/1w4a-all",
      from: "table1/1w4a",
    }),
  ];
}

/** Images of tables 2 and 3, whose runs are many: what they compare has one budget, which need not be a large one. */
const SOME = 20_000;

/**
 * Blending: four ρ, three seeds, one budget; a drop of the rate before the last epoch, so that noise shows before it
 * and accuracy after.
 */
function tableTwo() {
  return [1, 2, 3].flatMap((seed) =>
    ["0", "1e-6", "1e-5", "1e-4"].map((rho) =>
      train({
        id: `table2/rho-${rho}-seed-${seed}`,
        table: "2",
        row: `ρ = ${rho}`,
        bits: "1W4A",
        epochs: 4,
        images: SOME,
        seed,
        args: ["--rho", rho, ...sgd("0.01", "multistep:3:0.1"), ...CLASSIFIER_FLOAT],
      }),
    ),
  );
}

/**
 * Coarse derivatives in α and in x, on float weights, from steps that are right for a half-Gaussian but not for this
 * network.
 */
function tableThree() {
  const pairs = [
    ["three-valued", "clipped-relu"],
    ["ae", "clipped-relu"],
    ["pact", "clipped-relu"],
    ["three-valued", "relu"],
    ["three-valued", "identity"],
  ];
  return ["32W2A", "32W4A"].flatMap((bits) =>
    pairs.map(([rule, proxy]) =>
      train({
        id: `table3/${bits.toLowerCase()}-${rule}-${proxy}`,
        table: "3",
        row: `${rule}, ${proxy}`,
        bits,
        epochs: 2,
        images: SOME,
        args: [...sgd("0.01"), "--calibrate", "half-gaussian", "--alpha-rule", rule, "--proxy", proxy],
      }),
    ),
  );
}

/** From the trained 32W4A network on, at a constant rate: which proxies stay there? */
function instability() {
  return ["clipped-relu", "relu", "identity"].map((proxy) =>
    train({
      id: `instability/32w4a-${proxy}`,
      table: "instability",
      row: proxy,
      bits: "32W4A",
      epochs: 3,
      images: SOME,
      from: "table1/32w4a",
      args: [...sgd("0.001", "constant"), "--proxy", proxy],
    }),
  );
}

function vgg() {
  return [
    train({
      id: "vgg11/float",
      table: "vgg",
      row: "float, from random weights",
      model: "vgg11",
      bits: "float",
      epochs: 10,
      from: null,
      args: ["--lr", "0.1", "--momentum", "0.9", "--schedule", "onecycle", "--weight-decay", "5e-4"],
    }),
    train({
      id: "vgg11/float-second",
      table: "vgg",
      row: "float, a second cycle from the one above",
      model: "vgg11",
      bits: "float",
      epochs: 9,
      from: "vgg11/float",
      args: ["--lr", "0.05", "--momentum", "0.9", "--schedule", "onecycle", "--weight-decay", "5e-4"],
    }),
    train({
      id: "vgg11/float-third",
      table: "vgg",
      row: "float, a third cycle, cosine and smoothed labels, from the second",
      model: "vgg11",
      bits: "float",
      epochs: 10,
      from: "vgg11/float-second",
      args: [
        ...["--lr", "0.05", "--momentum", "0.9", "--schedule", "cosine", "--weight-decay", "5e-4"],
        ...["--label-smoothing", "0.1"],
      ],
    }),
    train({
      id: "vgg11/1w4a",
      table: "vgg",
      row: "1W4A, all convolutions binary, classifier float, from the second float cycle",
      model: "vgg11",
      bits: "1W4A",
      epochs: 2,
      from: "vgg11/float-second",
      verify: true,
      args: [...adam("0.0005"), ...CLASSIFIER_FLOAT],
    }),
    train({
      id: "vgg11/1w4a-third",
      table: "vgg",
      row: "1W4A, all convolutions binary, classifier float, from the third float cycle",
      model: "vgg11",
      bits: "1W4A",
      epochs: 2,
      from: "vgg11/float-third",
      verify: true,
      args: [...adam("0.0005"), ...CLASSIFIER_FLOAT],
    }),
  ];
}

/**
 * The released code's rules beside the paper's, one budget; 2W4A from the 32W4A network, 4W4A from the public float
 * weights.
 */
function authors() {
  const presets = [
    ["paper", "the paper's rules"],
    ["authors-code", "the released code's"],
  ];
  return ["2W4A", "4W4A"].flatMap((bits) =>
    presets.map(([preset, rules]) =>
      train({
        id: `authors/${bits.toLowerCase()}-${preset}`,
        table: "authors",
        row: `${bits}, ${rules}`,
        bits,
        epochs: 2,
        images: SOME,
        from: bits === "2W4A" ? "table1/32w4a" : PRETRAINED,
        args: ["--preset", preset, ...(bits === "2W4A" ? adam("0.002") : sgd("0.01")), ...CLASSIFIER_FLOAT],
      }),
    ),
  );
}

/** @type {readonly Run[]} */
export const STUDY = [...tableOne(), ...tableTwo(), ...instability(), ...tableThree(), ...vgg(), ...authors()];

/**
 * Runs whose id matches one of some patterns (`*` stands for anything; a part of an id is enough).
 *
 * @param {readonly string[]} patterns none: all
 * @param {readonly Run[]} runs
 */
export function matching(patterns, runs = STUDY) {
  if (patterns.length === 0) return [...runs];
  const expressions = patterns.map(
    (pattern) =>
      new RegExp(
        pattern
          .split("*")
          .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
          .join(".*"),
      ),
  );
  return runs.filter(({ id }) => expressions.some((expression) => expression.test(id)));
}

/** Runs together with those that they start from, in the order of the study. @param {readonly Run[]} chosen */
export function withSources(chosen, runs = STUDY) {
  const wanted = new Set();
  const add = (run) => {
    if (wanted.has(run)) return;
    wanted.add(run);
    const source = runs.find(({ id }) => id === run.from);
    if (source !== undefined) add(source);
  };
  for (const run of chosen) add(run);
  return runs.filter((run) => wanted.has(run));
}
