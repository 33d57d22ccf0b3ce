/** @file The page that looks into files. */
import "../shell/index.js";
import "./look.css";
import { type Connection, connect } from "coarsegrad/worker";
import { button, byId, figures, reporting, setText, table } from "../shell/dom.js";
import { siteFile, takeFiles } from "../shell/files.js";
import { histogramFigure } from "../shell/histogram.js";
import type { ModelReport } from "./report.js";
import { thresholdFigure } from "./threshold-figure.js";
import { TryPanel } from "./try-panel.js";
import type { LookHandlers } from "./worker.js";

const EXAMPLES: readonly (readonly [file: string, text: string])[] = [
  ["lenet5-mnist-1w4a.cgm", "LeNet-5, MNIST, 1W4A"],
  ["lenet5-fashion-1w4a.cgm", "LeNet-5, Fashion-MNIST, 1W4A"],
  ["resnet20-cifar10-1w4a.cgm", "ResNet-20, CIFAR-10, 1W4A"],
  ["mlp-digits.onnx", "A small ONNX file"],
  ["mlp-digits.safetensors", "Its weights alone"],
];

let worker: Connection<LookHandlers> | null = null;

/** The worker holds most of the library: it is fetched when there is a file to look into. */
function started(): Connection<LookHandlers> {
  worker ??= connect<LookHandlers>(new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }));
  return worker;
}

const panel = new TryPanel(started);

function show(name: string, report: ModelReport): void {
  setText(byId("title"), name);
  setText(byId("kind"), [`${report.kind}.`, ...report.notes].join(" "));
  byId("figures").replaceChildren(figures(report.figures));
  byId("layers").replaceChildren(table("Layers", report.heads, report.rows));
  byId("histograms").replaceChildren(...report.histograms.map(histogramFigure));
  byId("weights-section").hidden = report.histograms.length === 0;
  byId("thresholds").replaceChildren(...report.thresholds.map(thresholdFigure));
  byId("thresholds-section").hidden = report.thresholds.length === 0;
  panel.take(report);
  byId("report").hidden = false;
}

async function open(name: string, bytes: () => Promise<Uint8Array>): Promise<void> {
  byId("report").hidden = true;
  await reporting(byId("error"), async () => {
    show(name, await started().call("open", name, await bytes()));
    byId("title").focus();
  });
}

takeFiles(byId("drop"), byId<HTMLInputElement>("file"), ([file]) => {
  void open(file.name, async () => new Uint8Array(await file.arrayBuffer()));
});
for (const [name, text] of EXAMPLES) {
  byId("examples").append(button(text, () => open(name, () => siteFile(`examples/${name}`))));
}
