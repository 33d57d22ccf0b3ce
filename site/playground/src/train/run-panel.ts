/** @file The card of the run that is looked at: state, figures, result, downloads, how to repeat it. */
import { byId, element, figures, reporting, setText } from "../shell/dom.js";
import { bytes, count, percent, seconds, short } from "../shell/numbers.js";
import { commandOf, isRepeatable, scriptOf } from "./recipe.js";
import type { FileKind, RunRecord } from "./record.js";

const FILES: readonly (readonly [FileKind, text: string, ending: string])[] = [
  ["cgm", "Packed model", "cgm"],
  ["checkpoint", "Checkpoint", "safetensors"],
  ["onnx", "ONNX", "onnx"],
  ["module", "JavaScript module", "js"],
  ["c", "C source", "c"],
  ["h", "C header", "h"],
];

/** State of a run in words. */
function stateOf(record: RunRecord, live: boolean): string {
  const { status, step, steps, testing, etaSeconds } = record;
  const at = `step ${count(step)} of ${count(steps)}`;
  if (status === "finished") return "Finished: tested, packed, and tested again as packed.";
  if (status === "failed") return "Failed.";
  if (!live) return `Interrupted at ${at}. It can go on from its last checkpoint.`;
  if (testing) return "Testing the network and its packed file.";
  if (status === "paused") return `Paused at ${at}.`;
  return step === 0 ? "Preparing images and network." : `Training, ${at}, ${seconds(etaSeconds)} left.`;
}

/** Shows a run; `live` while its worker works. */
export function showRun(
  record: RunRecord,
  live: boolean,
  chain: readonly RunRecord[],
  save: (kind: FileKind, name: string) => Promise<void>,
): void {
  setText(byId("run-name"), record.name);
  setText(byId("run-status"), stateOf(record, live));
  const bar = byId<HTMLProgressElement>("bar");
  bar.value = record.steps === 0 ? 0 : record.step / record.steps;
  setText(byId("run-error"), record.error ?? "");
  byId("run-figures").replaceChildren(record.outcome === null ? progressFigures(record) : outcomeFigures(record));
  byId("result").hidden = record.outcome === null;
  if (record.outcome === null || byId("sha").textContent === record.outcome.weightsSha256) return;
  showResult(record, chain, save);
}

function progressFigures({ loss, accuracy, imagesPerSecond, epochs, step }: RunRecord): HTMLElement {
  const test = epochs.at(-1)?.valAccuracy;
  return figures([
    ["loss of the epoch", step === 0 ? "–" : short(loss)],
    ["training accuracy", step === 0 ? "–" : percent(accuracy)],
    ["test accuracy", test === undefined ? "–" : percent(test)],
    ["images/s", step === 0 ? "–" : short(imagesPerSecond)],
  ]);
}

function outcomeFigures({ outcome }: RunRecord): HTMLElement {
  const { top1, packedTop1, packedBytes, floatBytes } = outcome!;
  return figures([
    ["test accuracy", `${top1.toFixed(2)} %`],
    ["of the packed file", `${packedTop1.toFixed(2)} %`],
    ["packed file", bytes(packedBytes)],
    ["float weights would be", bytes(floatBytes)],
  ]);
}

function showResult(
  record: RunRecord,
  chain: readonly RunRecord[],
  save: (kind: FileKind, name: string) => Promise<void>,
): void {
  setText(byId("sha"), record.outcome!.weightsSha256);
  const buttons = FILES.map(([kind, text, ending]) => {
    const made = element("button", { type: "button", "data-file": kind }, text);
    // C source names its header.
    const isC = kind === "c" || kind === "h";
    const name = isC ? record.config.model : `${record.config.model}-${record.config.bits}`;
    made.addEventListener("click", () => {
      void reporting(byId("download-error"), () => save(kind, `${name}.${ending}`));
    });
    return made;
  });
  byId("downloads").replaceChildren(...buttons);
  const repeatable = isRepeatable(chain[0]);
  byId("recipe").hidden = !repeatable;
  if (!repeatable) return;
  setText(byId("script"), scriptOf(chain));
  setText(byId("command"), commandOf(chain));
}
