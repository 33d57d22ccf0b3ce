/** @file What the quickstart found, as JSON and as text. */
import path from "node:path";
import { table } from "../../core/table.js";
import type { Verification } from "../../export/index.js";
import type { RunSummary } from "../../run/summary.js";
import { meanDifference, signed, spread, standardError } from "../report/statistics.js";
import { bytes, count, duration, percent } from "../ui/numbers.js";

/** Widths at which post-training clearly fails and training does not. */
export const NARROW = "1W2A";
/** What `train --json` prints. */
export type TrainResult = RunSummary & { run: string };
/** What `verify --json` prints. */
export type VerifyResult = Omit<Verification, "layers"> & { codes: { equal: number; total: number } };

/** All results of the quickstart. */
export interface Outcome {
  readonly float: TrainResult;
  readonly ptq: TrainResult;
  readonly bcgd: TrainResult;
  readonly verified: VerifyResult;
  /** At {@link NARROW}, one for each seed. */
  readonly narrow: readonly Pair[];
}

/** Both methods with one seed. */
export interface Pair {
  readonly ptq: TrainResult;
  readonly bcgd: TrainResult;
}

/** Accuracies of one method over the seeds. */
function seedsOf(narrow: readonly Pair[], method: keyof Pair): readonly number[] {
  return narrow.map((pair) => pair[method].packed.top1);
}

/** The answer as JSON. */
export function answerOf({ float, ptq, bcgd, verified, narrow }: Outcome, report: string, seconds: number): unknown {
  const row = ({ run, bits, method, top1, packed, millisecondsPerImage, weightsSha256 }: TrainResult) => ({
    run,
    bits,
    method,
    top1: method === "float" ? top1 : packed.top1,
    bytes: method === "float" ? packed.floatBytes : packed.bytes,
    millisecondsPerImage: method === "float" ? millisecondsPerImage : packed.millisecondsPerImage,
    weightsSha256,
  });
  return {
    runs: [float, ptq, bcgd].map(row),
    narrow: (["ptq", "bcgd"] as const).map((method) => ({
      ...{ bits: NARROW, method, seeds: narrow.map((pair) => pair[method].seed), top1: seedsOf(narrow, method) },
      ...spread(seedsOf(narrow, method)),
      weightsSha256: narrow.map((pair) => pair[method].weightsSha256),
    })),
    codesIdentical: verified.codes.equal === verified.codes.total,
    codes: verified.codes,
    testImages: bcgd.testImages,
    weightsSha256: bcgd.weightsSha256,
    report: path.resolve(report),
    seconds,
  };
}

/** The answer as text. */
export function answerText({ float, ptq, bcgd, verified, narrow }: Outcome, report: string, seconds: number): string {
  const measured = (top1: number, images: number): string =>
    `${percent(top1)} ± ${standardError({ accuracy: top1, images }).toFixed(2)}`;
  const packedRow = (name: string, { packed, testImages }: TrainResult): string[] => [
    name,
    measured(packed.top1, testImages),
    count(packed.bytes),
    packed.millisecondsPerImage.toFixed(2),
  ];
  const { equal, total } = verified.codes;
  const { packed } = bcgd;
  return [
    "",
    table(
      [
        { head: `LeNet-5, ${count(bcgd.testImages)} test images` },
        { head: "accuracy", right: true },
        { head: "bytes", right: true },
        { head: "ms per image", right: true },
      ],
      [
        [
          "float",
          measured(float.top1, float.testImages),
          count(packed.floatBytes),
          float.millisecondsPerImage.toFixed(2),
        ],
        packedRow("1W4A, post-training", ptq),
        packedRow("1W4A, BCGD, ρ = 1e-5", bcgd),
      ],
    ),
    "",
    narrowText(narrow),
    "",
    `packed file       ${bytes(packed.bytes)}, ${(packed.floatBytes / packed.bytes).toFixed(1)} times smaller than float; run by the integer runtime`,
    `codes identical   ${equal === total ? "yes" : "NO"} (${count(equal)} of ${count(total)} agree with the training graph)`,
    `SHA-256           ${bcgd.weightsSha256} (BCGD weights; the same on every machine)`,
    `report            ${report}`,
    `time              ${duration(seconds)}`,
  ].join("\n");
}

/** What training is worth with fewer bits, over the seeds; "none" where they and the test images do not show it. */
export function narrowText(narrow: readonly Pair[]): string {
  const row = (name: string, method: keyof Pair): string[] => {
    const { mean, deviation } = spread(seedsOf(narrow, method));
    return [
      name,
      `${percent(mean)} ± ${deviation.toFixed(2)}`,
      ...seedsOf(narrow, method).map((top1) => percent(top1)),
    ];
  };
  const [bcgd, ptq] = [seedsOf(narrow, "bcgd"), seedsOf(narrow, "ptq")];
  const { points, error, decided } = meanDifference(bcgd, ptq, narrow[0].bcgd.testImages);
  const gain = `${signed(points)} ± ${error.toFixed(2)} points`;
  return [
    table(
      [
        { head: `${NARROW}, ${count(narrow[0].bcgd.testImages)} test images` },
        { head: "mean ± deviation", right: true },
        ...narrow.map((pair) => ({ head: `seed ${pair.bcgd.seed}`, right: true })),
      ],
      [row("post-training", "ptq"), row("BCGD, ρ = 1e-5", "bcgd")],
    ),
    "",
    `training gains    ${decided ? gain : `nothing that ${narrow.length} seeds and these images show (${gain})`}`,
  ].join("\n");
}
