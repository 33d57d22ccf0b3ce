/** @file Classes of one's own: drawn with mouse, finger or keyboard, or taken from the camera. */
import { button, element } from "../shell/dom.js";
import { Pad } from "../shell/pad.js";
import { write } from "../shell/store.js";
import { Camera } from "./camera.js";
import { dataOf, type Sample } from "./own-data.js";
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
  #filmed = false;

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
    const film = button("Use the camera", async () => {
      if (this.#filmed) this.#camera.stop();
      else if (!(await this.#camera.start())) return;
      this.#filmed = !this.#filmed;
      film.textContent = this.#filmed ? "Draw instead" : "Use the camera";
      canvas.hidden = this.#filmed;
      this.#camera.video.hidden = !this.#filmed;
      for (const own of this.#classes) own.samples.length = 0;
      this.#count();
    });
    source.append(
      film,
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
    const take = button("Add", () => {
      const sample = this.#filmed ? this.#camera.sample() : this.#pad.sample();
      if (sample === null) {
        this.#note.textContent = "The pad is empty.";
        return;
      }
      own.samples.push(sample);
      if (!this.#filmed) this.#pad.clear();
      this.#count();
    });
    take.setAttribute("aria-label", `Add to class ${n}`);
    this.#classes.push(own);
    this.#list.append(element("div", {}, take, input, tally));
  }

  #count(): void {
    for (const { tally, samples } of this.#classes) tally.textContent = `${samples.length}`;
  }

  /** Puts what was drawn or filmed into the store. @throws Error if it is too little to train on */
  async store(): Promise<ImagesNote> {
    const classes = this.#classes.filter(({ samples }) => samples.length > 0);
    if (classes.length < 2 || classes.some(({ samples }) => samples.length < 2)) {
      throw new Error("Add at least two examples of at least two classes.");
    }
    const stored = dataOf(
      classes.map(({ name, samples }) => ({ name: name.value || "unnamed", samples })),
      this.#filmed,
    );
    await write([["images", stored.key, stored]]);
    const { pixels: _, labels: __, ...note } = stored;
    return note;
  }
}
