/**
 * @file `npm run bench:peers -- [section …]`: us beside the libraries that people use today, in turns, one thread each.
 */
import { parseArgs } from "node:util";
import { calibrate } from "../../src/cli/bench/calibrate.js";
import { engineInfo, round } from "../../src/cli/bench/harness.js";
import { inferWork } from "../../src/cli/bench/infer.js";
import { CONV_SHAPES, GEMM_SHAPES } from "../../src/cli/bench/shapes.js";
import { TRAIN_SPECS, type TrainSpec, trainee, trainWork } from "../../src/cli/bench/train.js";
import { alternate, type Budget, local, type Measured } from "./alternate.js";
import { type Libraries, loadLibraries } from "./libraries.js";
import { serveOurselves, startOurselves } from "./ourselves.js";
import { measureMemory, peakMemory, startContenders } from "./processes.js";
import { startThreadProcesses, THREAD_WORKS } from "./threads.js";
import { python, startTorch, torchScript } from "./torch.js";
import {
  finite,
  INFER_MODELS,
  OURS,
  type Prepared,
  prepareConv,
  prepareGemm,
  prepareInfer,
  prepareMlp,
} from "./works.js";

const SECTIONS = ["gemm", "conv", "infer", "mlp", "start", "torch", "threads", "memory"] as const;
type Section = (typeof SECTIONS)[number];

const USAGE = `Usage: npm run bench:peers -- [${SECTIONS.join("] [")}] [options]

Runs coarsegrad and its peers in turns in one run, one thread each, and prints medians and ratios. A ratio is the peer's time over
ours: above 1, we are faster. "ratio" is the median of each round's ratio; "ratio, fast" compares the lower deciles.

  gemm     matrix products: onnxruntime-web, onnxruntime-node, tfjs and jax-js on WebAssembly
  conv     convolutions forward: the same
  infer    one image through ResNet-18, ResNet-20, VGG-11 and MobileNetV1: 1W4A beside our 4W4A and float, and f32 and int8 in
           onnxruntime-web and onnxruntime-node
  mlp      training step of an MLP: tfjs on JavaScript and on WebAssembly, jax-js on WebAssembly
  start    from a process's start to its first matrix product
  torch    training steps beside PyTorch, if "\${PYTHON:-python3} -c 'import torch'" works
  threads  ourselves: the ratio is one thread's time over that of two
  memory   what a ResNet-20 training step needs, beside PyTorch

  --filter TEXT   only works whose name contains it
  --time MS       time for each work, all libraries together (default: 6000)
  --json          one JSON object a line
  --help          show this help`;

interface Options {
  readonly section: Section;
  readonly filter: string;
  readonly budget: Budget;
  readonly json: boolean;
}

function print(json: boolean, value: Record<string, unknown>, text: string): void {
  console.log(json ? JSON.stringify(value) : text);
}

/** One line for each contender; the first one is ours. */
function report(
  { work, flops, images }: Omit<Prepared, "contenders" | "release">,
  all: Measured[],
  { json, section }: Options,
): void {
  const calibration = round(calibrate());
  for (const { name, threads, ms, msFast, ratio, ratioFast } of all) {
    const gflops = flops === undefined ? {} : { gflops: round(flops / ms / 1e6) };
    const imagesPerSecond = images === undefined ? {} : { imagesPerSecond: round((images / ms) * 1000) };
    const speed = gflops.gflops ?? imagesPerSecond.imagesPerSecond;
    const text = [
      work.padEnd(34),
      name.padEnd(30),
      `${round(ms)}`.padStart(10),
      `${speed ?? ""}`.padStart(10),
      (name === OURS ? "" : ratio.toFixed(2)).padStart(9),
      (name === OURS ? "" : ratioFast.toFixed(2)).padStart(12),
    ].join("");
    const figures = { ms: round(ms), msFast: round(msFast), ratio: round(ratio), ratioFast: round(ratioFast) };
    print(
      json,
      { section, work, library: name, threads, ...figures, ...gflops, ...imagesPerSecond, calibration },
      text,
    );
  }
}

async function measureWorks(makers: readonly (() => Promise<Prepared>)[], options: Options): Promise<void> {
  for (const make of makers) {
    const prepared = await make();
    report(prepared, await alternate(prepared.contenders, options.budget), options);
    await prepared.release();
  }
}

const matches = (work: string, { filter }: Options): boolean => work.includes(filter);

async function torchSection(options: Options): Promise<void> {
  const torch = await startTorch();
  if (torch === null) {
    console.error(`bench: no PyTorch in ${python}; set PYTHON to one that has it`);
    return;
  }
  for (const spec of TRAIN_SPECS) {
    const work = trainWork(spec);
    // The script has the MLP in float alone, and no MobileNets.
    const known = spec.model === "mlp" ? spec.bits === "float" : !spec.model.startsWith("mobilenet");
    if (!matches(work, options) || !known) continue;
    const ours = trainee(spec, 1);
    const contenders = [local(OURS, () => finite(ours.step())), torch.contender(work)];
    const measured = await alternate(contenders, options.budget);
    measured[1] = { ...measured[1], name: `PyTorch ${torch.version}` };
    report({ work, images: spec.batch }, measured, options);
    ours.dispose();
  }
  torch.close();
}

async function threadsSection(options: Options): Promise<void> {
  const processes = await startThreadProcesses();
  for (const work of THREAD_WORKS.filter((name) => matches(name, options))) {
    const measured = await alternate(processes.contenders(work), { ...options.budget, rounds: 15 });
    report({ work: `${work}, 2 threads` }, measured, options);
  }
  processes.close();
}

/** The peers beside our plain kernels, and our relaxed ones beside those. */
async function inferSection(libraries: Libraries, options: Options): Promise<void> {
  const models = INFER_MODELS.filter((model) => matches(inferWork(model, "1W4A", 1), options));
  if (models.length === 0) return;
  const relaxed = await startOurselves(`${OURS}, relaxed SIMD`, { threads: 1, relaxed: true });
  await measureWorks(
    models.map((model) => async () => {
      const { contenders, ...rest } = await prepareInfer(model, libraries);
      const [ours, ...peers] = contenders;
      return { ...rest, contenders: [ours, relaxed.contender(rest.work), ...peers] };
    }),
    options,
  );
  relaxed.close();
}

/** The work whose memory is looked at. */
const MEMORY: TrainSpec = { model: "resnet20", bits: "float", batch: 128 };

async function memorySection({ json }: Options): Promise<void> {
  const work = trainWork(MEMORY);
  const programs: [string, string, string[]][] = [
    [OURS, process.execPath, [process.argv[1], "--measure-memory"]],
    ["PyTorch", python, [torchScript, "--memory", work]],
  ];
  for (const [name, command, args] of programs) {
    try {
      const { megabytes, all } = await peakMemory(command, args);
      const value = {
        work: `memory ${work}`,
        library: name,
        megabytes: round(megabytes),
        processMegabytes: round(all),
      };
      const text = `${megabytes.toFixed(0)} MB more than before, ${all.toFixed(0)} MB for the whole process`;
      print(json, value, `${value.work.padEnd(34)}${name.padEnd(30)}${text}`);
    } catch (error) {
      console.error(`bench: ${name} left out: ${(error as Error).message}`);
    }
  }
}

async function runSection(libraries: Libraries, library: string, options: Options): Promise<void> {
  const gemms = GEMM_SHAPES.filter(({ M, K, N }) => matches(`sgemm ${M}x${K}x${N}`, options));
  const convs = CONV_SHAPES.filter((conv) =>
    matches(`${conv.name} fwd ${conv.inChannels}->${conv.outChannels}@${conv.size} b${conv.batch}`, options),
  );
  switch (options.section) {
    case "gemm":
      return measureWorks(
        gemms.map((shape) => () => prepareGemm(shape, libraries)),
        options,
      );
    case "conv":
      return measureWorks(
        convs.map((shape) => () => prepareConv(shape, libraries)),
        options,
      );
    case "infer":
      return inferSection(libraries, options);
    case "mlp":
      return measureWorks([() => prepareMlp(libraries)], options);
    case "start": {
      const budget = { ...options.budget, rounds: 15, sample: 1 };
      const work = "process start to first 128³";
      return report({ work }, await alternate(await startContenders(library), budget), options);
    }
    case "torch":
      return torchSection(options);
    case "threads":
      return threadsSection(options);
    case "memory":
      return memorySection(options);
  }
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      filter: { type: "string", default: "" },
      time: { type: "string", default: "6000" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
      library: { type: "string", default: "" },
      "measure-memory": { type: "boolean", default: false },
      "serve-threads": { type: "string" },
      "serve-relaxed": { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  if (values["measure-memory"]) {
    measureMemory(MEMORY);
    return 0;
  }
  if (values["serve-threads"] !== undefined) {
    await serveOurselves({ threads: Number(values["serve-threads"]), relaxed: values["serve-relaxed"] });
    return 0;
  }
  const unknown = positionals.filter((name) => !(SECTIONS as readonly string[]).includes(name));
  const time = Number(values.time);
  if (unknown.length > 0 || !(time > 0)) {
    const what = `unknown section ${unknown.join(", ")}; expected ${SECTIONS.join(", ")}`;
    console.error(`bench: ${unknown.length > 0 ? what : `--time: expected milliseconds > 0, got ${values.time}`}`);
    return 2;
  }
  const budget = { time, rounds: 7, sample: 4 };
  const sections = positionals.length > 0 ? (positionals as Section[]) : SECTIONS;
  const libraries = await loadLibraries();
  for (const missing of libraries.missing) console.error(`bench: left out: ${missing}`);
  if (!values.json) {
    console.error(`Node ${process.version}, ${engineInfo().variant} kernels`);
    const heads = ["ms", "GFLOP|im/s", "ratio", "ratio, fast"];
    console.log(
      "work".padEnd(34) + "library".padEnd(30) + heads.map((h, i) => h.padStart([10, 11, 9, 12][i])).join(""),
    );
  }
  for (const section of sections) {
    const options = { section, filter: values.filter, json: values.json, budget };
    await runSection(libraries, values.library, options);
  }
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exitCode = 1;
}
// Peers keep timers and workers of their own.
process.exit();
