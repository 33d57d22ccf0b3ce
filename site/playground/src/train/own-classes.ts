/** @file Classes of one's own: drawn with mouse, finger or keyboard, taken from the camera, or spoken. */
import { button, element } from "../shell/dom.js";
import { Pad } from "../shell/pad.js";
import { write } from "../shell/store.js";
import { Camera } from "./camera.js";
import type { Microphone } from "./microphone.js";
import { dataOf, type Sample, type Source } from "./own-data.js";
import type { ImagesNote } from "./record.js";

interface OwnClass {
  readonly name: HTMLInputElement;
  readonly tally: HTMLElement;
  readonly samples: Sample[];
}

const MOST_CLASSES = 8;

/** The panel: a pad or the camera's picture, and a row for each class. */
export class OwnClasses {
  readonly #classes: OwnClass[] = [];
  readonly #list = element("div", { class: "classes" });
  readonly #note = element("p", { class: "note", role: "status" });
  readonly #pad: Pad;
  readonly #camera: Camera;
  #microphone: Microphone | null = null;
  #source: Source = "pad";

  constructor(host: HTMLElement) {
    host.className = "own";
    const canvas = element("canvas", { width: 280, height: 280, tabindex: 0, role: "application" });
    canvas.setAttribute(
      "aria-label",
      "Drawing pad: arrow keys move the pen, space lifts and lowers it, backspace clears",
    );
    this.#pad = new Pad(canvas, () => undefined);
    this.#camera = new Camera((message) => {
      this.#note.textContent = message;
    });
    const source = element("div", { class: "row" });
    const buttons = {
      camera: button("Use the camera", () => void this.#use("camera", canvas, buttons)),
      microphone: button("Use the microphone", () => void this.#use("microphone", canvas, buttons)),
    };
    source.append(
      buttons.camera,
      buttons.microphone,
      button("Clear the pad", () => this.#pad.clear(), { class: "quiet" }),
    );
    const more = button("Another class", () => this.#add(), { class: "quiet" });
    host.append(canvas, this.#camera.video, source, this.#list, element("div", { class: "row" }, more), this.#note);
    this.#add("circle");
    this.#add("cross");
    this.#note.textContent = "Draw, then press Add beside its class. Five or more of each are a start.";
  }

  #add(name = `class ${this.#classes.length + 1}`): void {
    if (this.#classes.length >= MOST_CLASSES) return;
    const n = this.#classes.length + 1;
    const input = element("input", { value: name, "aria-label": `Name of class ${n}` });
    const tally = element("span", { class: "note" }, "0");
    const own: OwnClass = { name: input, tally, samples: [] };
    const take = button("Add", async () => {
      take.disabled = true;
      try {
        const sample = await this.#sample();
        if (sample === null) this.#note.textContent = "The pad is empty.";
        else own.samples.push(sample);
      } catch (error) {
        this.#note.textContent = `Nothing was added: ${(error as Error).message}`;
      } finally {
        take.disabled = false;
      }
      this.#count();
    });
    take.setAttribute("aria-label", `Add to class ${n}`);
    this.#classes.push(own);
    this.#list.append(element("div", {}, take, input, tally));
  }

  async #sample(): Promise<Sample | null> {
    if (this.#source === "camera") return this.#camera.sample();
    if (this.#source === "microphone") {
      const heard = await this.#microphone!.sample();
      this.#note.textContent = "Heard.";
      return heard;
    }
    const drawn = this.#pad.sample();
    if (drawn !== null) this.#pad.clear();
    return drawn;
  }

  /** Takes examples from a device, or from the pad again; those of another kind are forgotten. */
  async #use(
    device: "camera" | "microphone",
    canvas: HTMLCanvasElement,
    buttons: Readonly<Record<"camera" | "microphone", HTMLButtonElement>>,
  ): Promise<void> {
    const next = this.#source === device ? "pad" : device;
    if (next === "microphone" && this.#microphone === null) {
      const { Microphone: Device } = await import("./microphone.js");
      this.#microphone = new Device((message) => {
        this.#note.textContent = message;
      });
    }
    if (next !== "pad" && !(await (next === "camera" ? this.#camera : this.#microphone!).start())) return;
    if (this.#source === "camera") this.#camera.stop();
    if (this.#source === "microphone") this.#microphone!.stop();
    this.#source = next;
    buttons.camera.textContent = next === "camera" ? "Draw instead" : "Use the camera";
    buttons.microphone.textContent = next === "microphone" ? "Draw instead" : "Use the microphone";
    canvas.hidden = next !== "pad";
    this.#camera.video.hidden = next !== "camera";
    for (const own of this.#classes) own.samples.length = 0;
    this.#count();
  }

  #count(): void {
    for (const { tally, samples } of this.#classes) tally.textContent = `${samples.length}`;
  }

  /** Puts what was drawn, filmed or spoken into the store. @throws Error if it is too little to train on */
  async store(): Promise<ImagesNote> {
    const classes = this.#classes.filter(({ samples }) => samples.length > 0);
    if (classes.length < 2 || classes.some(({ samples }) => samples.length < 2)) {
      throw new Error("Add at least two examples of at least two classes.");
    }
    const stored = dataOf(
      classes.map(({ name, samples }) => ({ name: name.value || "unnamed", samples })),
      this.#source,
      this.#source === "microphone" ? (await import("./microphone.js")).FRONT : undefined,
    );
    await write([["images", stored.key, stored]]);
    const { pixels: _, labels: __, ...note } = stored;
    return note;
  }
}
