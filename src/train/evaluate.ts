/** @file Accuracy and loss over a data set. */
import { crossEntropy } from "../autograd/functions.js";
import { noGrad } from "../autograd/graph.js";
import { anything, callable, check, checkOptions, integer, list, type OptionRules, refuse } from "../core/checks.js";
import type { ImageDataset } from "../data/dataset.js";
import { type Batch, type BatchLoader, checkBatch, DataLoader, isBatchLoader, placeOf } from "../data/loader.js";
import { scope } from "../memory/scope.js";
import type { Module } from "../nn/module.js";
import type { ShardRange } from "../world/tree.js";
import { aloneWorld, gatherJson, type World } from "../world/world.js";
import { type ExampleInput, isExamples, type JudgementOptions, judgementOf, sourceOf } from "./example-options.js";
import { countHits, imageTensor, labelTensor } from "./input.js";
import { checkImages, moduleRule, signalRule } from "./options.js";
import { judge, sliceImages } from "./task.js";
import { TOGETHER_RULES } from "./together.js";

/** Choices of an evaluation. */
export interface EvaluateOptions {
  /** Images at once. It changes no sum: see {@link evaluate}. A loader has its own. Default 256. */
  batch?: number;
  /** Called after every batch. */
  onProgress?: (progress: { images: number; total: number; imagesPerSecond: number }) => void;
  /** Stops between batches by throwing its reason. */
  signal?: AbortSignal;
  /** Ranks that share the images; every one gets the whole result. Default: this process alone. */
  world?: World;
}

const rules: OptionRules<EvaluateOptions> = {
  batch: integer(1),
  onProgress: callable,
  signal: signalRule,
  world: TOGETHER_RULES.world,
};

/** What {@link evaluate} finds. */
export interface Evaluation {
  /** Share of images whose label has the largest logit, in [0, 1]. */
  top1: number;
  /** Share whose label is among the five largest, in [0, 1]. */
  top5: number;
  /** Mean cross-entropy. */
  loss: number;
  /** Number of images. */
  images: number;
  /** Speed of the whole evaluation. */
  imagesPerSecond: number;
}

/**
 * Accuracy and mean cross-entropy of a network in evaluation mode, without recording gradients. Modes are put back
 * afterwards. The event loop gets a turn between batches.
 *
 * The losses of single images, f32 numbers, are added in f64 in the order of the images, so that no result depends on
 * how many go through at once.
 *
 * @throws ArgumentError, DTypeError, FormatError on what is no network or no images, and on options out of range
 * @throws the signal's reason if it is aborted
 */
export function evaluate(net: Module, data: ImageDataset | BatchLoader, options?: EvaluateOptions): Promise<Evaluation>;
/**
 * Loss and metrics of a network on examples of any task, in evaluation mode.
 *
 * @throws ArgumentError, ShapeError on examples, a loss or metrics that do not fit
 * @example
 * const { loss, metrics } = await evaluate(net, { x, y }, { loss: "mse", metrics: ["mae", "r2"] });
 */
export function evaluate(net: Module, data: ExampleInput, options?: TaskEvaluateOptions): Promise<TaskEvaluation>;
export async function evaluate(
  net: Module,
  data: ImageDataset | BatchLoader | ExampleInput,
  options: EvaluateOptions | TaskEvaluateOptions = {},
): Promise<Evaluation | TaskEvaluation> {
  check("evaluate", "net", net, moduleRule);
  if (isExamples(data)) return evaluateExamples(net, data, options as TaskEvaluateOptions);
  return evaluateImages(net, data, options as EvaluateOptions);
}

/** Choices of an evaluation on examples. */
export interface TaskEvaluateOptions extends JudgementOptions {
  /** Examples at once; a source of batches has its own. Default 256. */
  batch?: number;
}

/** What {@link evaluate} finds on examples. */
export interface TaskEvaluation {
  /** Mean loss, by weights of examples if there are any. */
  loss: number;
  /** What was asked for by `metrics`, by name. */
  metrics: Record<string, number>;
  /** Number of examples. */
  examples: number;
}

async function evaluateExamples(
  net: Module,
  data: ExampleInput,
  options: TaskEvaluateOptions,
): Promise<TaskEvaluation> {
  checkOptions<TaskEvaluateOptions>("evaluate", options, { loss: anything, metrics: list, batch: integer(1) });
  const source = sourceOf("evaluate", data, options.batch ?? 256);
  const { loss, metrics, count } = await judge(net, source, judgementOf("evaluate", options, data));
  return { loss, metrics, examples: count };
}

async function evaluateImages(
  net: Module,
  data: ImageDataset | BatchLoader,
  options: EvaluateOptions,
): Promise<Evaluation> {
  checkImages("evaluate", "data", data);
  checkOptions("evaluate", options, rules);
  const { batch = 256, onProgress, signal, world = aloneWorld() } = options;
  const loader = isBatchLoader(data) ? data : new DataLoader(data, { batch });
  const modes = new Map(net.modules().map((module) => [module, module.training]));
  const { rank, size } = world;
  const range = size === 1 ? undefined : { shards: size, first: rank, end: rank + 1 };
  const parts: Judged[] = [];
  let seen = 0;
  const started = performance.now();
  const rate = (): number => (1000 * seen) / Math.max(1e-3, performance.now() - started);
  try {
    for await (const item of loader.epoch(0, 0, range)) {
      signal?.throwIfAborted();
      checkBatch("evaluate", loader, item);
      // Other code may have changed modes while this waited.
      net.eval();
      parts.push(judged(net, ownPart(item, range)));
      seen += item.part?.whole ?? item.count;
      onProgress?.({ images: seen, total: loader.images, imagesPerSecond: rate() });
    }
  } finally {
    for (const [module, training] of modes) module.training = training;
  }
  const total = totalOf(await gatherJson(world, parts));
  if (total.images === 0) refuse("evaluate", "data", "images", "none");
  return {
    top1: total.top1 / total.images,
    top5: total.top5 / total.images,
    loss: total.loss / total.images,
    images: total.images,
    imagesPerSecond: rate(),
  };
}

/** What a rank found out about its part of a batch. */
interface Judged {
  readonly top1: number;
  readonly top5: number;
  /** Of each image: f32 numbers, which JSON keeps exactly; what is not finite as a word, which it does not know. */
  readonly losses: readonly (number | string)[];
}

/** A rank's images of a batch; loaders may give whole ones. */
export function ownPart(batch: Batch, range: ShardRange | undefined): Batch {
  if (range === undefined || batch.part !== undefined) return batch;
  const { start, end } = placeOf(batch.count, range);
  return sliceImages(batch, start, end);
}

function judged(net: Module, { images, labels, shape, count }: Batch): Judged {
  if (count === 0) return { top1: 0, top5: 0, losses: [] };
  return scope(() =>
    noGrad(() => {
      const logits = net.forward(imageTensor(images, shape));
      const losses = crossEntropy(logits, labelTensor(labels), { reduction: "none" }).data.view();
      return { ...countHits(logits, labels), losses: Array.from(losses as Float32Array, told) };
    }),
  );
}

const told = (loss: number): number | string => (Number.isFinite(loss) ? loss : `${loss}`);

/** Sums over batches, and in each over the ranks: the order of the images. */
function totalOf(ranks: readonly (readonly Judged[])[]) {
  const total = { top1: 0, top5: 0, loss: 0, images: 0 };
  ranks[0].forEach((_, batch) => {
    for (const parts of ranks) {
      const { top1, top5, losses } = parts[batch];
      total.top1 += top1;
      total.top5 += top5;
      for (const loss of losses) total.loss += Number(loss);
      total.images += losses.length;
    }
  });
  return total;
}
