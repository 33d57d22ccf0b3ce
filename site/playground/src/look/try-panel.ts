/** @file Running the model that is looked at on a picture. */
import type { Connection } from "coarsegrad/worker";
import { byId, element, reporting, setText } from "../shell/dom.js";
import { percent, short } from "../shell/numbers.js";
import type { ModelReport } from "./report.js";
import type { LookHandlers } from "./worker.js";

type Picture = CanvasImageSource & { readonly width: number; readonly height: number };

/** The panel with the picture and the answer. */
export class TryPanel {
  readonly #worker: () => Connection<LookHandlers>;
  readonly #canvas = byId<HTMLCanvasElement>("input");
  #report: ModelReport | null = null;
  #source: Picture | null = null;
  #shown = 0;

  constructor(worker: () => Connection<LookHandlers>) {
    this.#worker = worker;
    const input = byId<HTMLInputElement>("picture");
    input.addEventListener("change", () => {
      const [file] = input.files ?? [];
      input.value = "";
      if (file !== undefined) void this.#run(() => createImageBitmap(file));
    });
    byId("invert").addEventListener("change", () => {
      if (this.#source !== null) void this.#run(async () => this.#source!);
    });
    byId("sample").addEventListener("click", () => void this.#run(() => this.#digit()));
  }

  /** Takes the model that is looked at. */
  take(report: ModelReport): void {
    this.#report = report;
    this.#source = null;
    byId("try").hidden = report.input === null;
    this.#canvas.hidden = true;
    byId("answer").replaceChildren();
    byId("try-error").textContent = "";
    if (report.input === null) return;
    const [height, width, channels] = report.input;
    setText(
      byId("input-note"),
      `It takes ${height}×${width} pixels${channels === 1 ? " in grey" : " in colour"}; others are fitted.`,
    );
    byId("sample").hidden = channels !== 1;
  }

  async #digit(): Promise<HTMLCanvasElement> {
    const { exampleDigit, EXAMPLES } = await import("../draw/examples.js");
    const pixels = exampleDigit(this.#shown++ % EXAMPLES);
    byId<HTMLInputElement>("invert").checked = false;
    const canvas = element("canvas", { width: 28, height: 28 });
    const context = canvas.getContext("2d")!;
    const image = context.createImageData(28, 28);
    for (let i = 0; i < pixels.length; i++) image.data.set([pixels[i], pixels[i], pixels[i], 255], 4 * i);
    context.putImageData(image, 0, 0);
    return canvas;
  }

  async #run(picture: () => Promise<Picture>): Promise<void> {
    await reporting(byId("try-error"), async () => {
      const source = await picture();
      this.#source = source;
      const { input, classes } = this.#report!;
      const [height, width] = input!;
      const pixels = this.#fitted(source, width, height);
      const { best, milliseconds } = await this.#worker().call(
        "run",
        pixels.data as Uint8ClampedArray,
        width,
        height,
        classes,
      );
      const list = element(
        "ol",
        {},
        ...best.map(({ label, probability }) => element("li", {}, `${label}: ${percent(probability)}`)),
      );
      byId("answer").replaceChildren(list, element("p", { class: "note" }, `${short(milliseconds)} ms a picture`));
    });
  }

  /** The middle of a picture at the model's size, drawn on the page too. */
  #fitted(source: Picture, width: number, height: number): ImageData {
    const canvas = this.#canvas;
    canvas.width = width;
    canvas.height = height;
    canvas.hidden = false;
    const context = canvas.getContext("2d", { willReadFrequently: true })!;
    const scale = Math.max(width / source.width, height / source.height);
    const [w, h] = [source.width * scale, source.height * scale];
    context.fillRect(0, 0, width, height);
    context.imageSmoothingQuality = "high";
    context.drawImage(source, (width - w) / 2, (height - h) / 2, w, h);
    const image = context.getImageData(0, 0, width, height);
    if (byId<HTMLInputElement>("invert").checked) {
      for (let i = 0; i < image.data.length; i++) if (i % 4 !== 3) image.data[i] = 255 - image.data[i];
      context.putImageData(image, 0, 0);
    }
    return image;
  }
}
