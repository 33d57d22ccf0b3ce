/** @file Which images: generated digits, files that are dropped, classes that are drawn or filmed here. */
import { byId, element, reporting } from "../shell/dom.js";
import { takeFiles } from "../shell/files.js";
import { count } from "../shell/numbers.js";
import type { OwnClasses } from "./own-classes.js";
import type { ImagesNote } from "./record.js";
import { helperWorker } from "./runner.js";

type Kind = "digits" | "files" | "own";

/** The choice of images on the page. */
export class DataPanel {
  #kind: Kind = "digits";
  #files: ImagesNote | null = null;
  #own: OwnClasses | null = null;

  constructor() {
    for (const radio of document.querySelectorAll<HTMLInputElement>("input[name=data]")) {
      radio.addEventListener("change", () => void this.#choose(radio.value as Kind));
    }
    this.#filePanel();
  }

  /** The images that are chosen, in the store; null for generated digits. @throws Error if there are none yet */
  async images(): Promise<ImagesNote | null> {
    if (this.#kind === "digits") return null;
    if (this.#kind === "own") return this.#own!.store();
    if (this.#files === null) throw new Error("Drop the image files first, or choose generated digits.");
    return this.#files;
  }

  async #choose(kind: Kind): Promise<void> {
    this.#kind = kind;
    byId("data-files").hidden = kind !== "files";
    byId("data-own").hidden = kind !== "own";
    if (kind !== "own" || this.#own !== null) return;
    const { OwnClasses: Panel } = await import("./own-classes.js");
    this.#own ??= new Panel(byId("data-own"));
  }

  #filePanel(): void {
    const host = byId("data-files");
    const set = element("select", { id: "grey-set" });
    for (const [value, text] of [
      ["mnist", "MNIST"],
      ["fashion-mnist", "Fashion-MNIST"],
    ]) {
      set.append(element("option", { value }, text));
    }
    const input = element("input", { type: "file", multiple: true, id: "data-input", class: "hidden" });
    const choose = element("label", { for: "data-input", class: "button" }, "Choose files");
    const drop = element("div", { class: "drop" }, "Drop files of images or sound here, or ", choose, input);
    const label = element("label", { for: "grey-set" }, "28×28 files are");
    const note = element(
      "p",
      { class: "note", role: "status" },
      "MNIST's or Fashion-MNIST's IDX files, CIFAR-10's .bin files or archive; WAV files such as fsdd's recordings, or named by their class (yes_1.wav); .gz too.",
    );
    const error = element("p", { class: "error", role: "alert" });
    host.append(drop, element("div", { class: "field" }, label, set), note, error);
    takeFiles(drop, input, (files) => {
      void reporting(error, async () => {
        note.textContent = "Reading.";
        const given = await Promise.all(
          files.map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) })),
        );
        if (files.some(({ name }) => /fashion/i.test(name))) set.value = "fashion-mnist";
        this.#files = null;
        try {
          this.#files = await helperWorker().call("images", given, set.value as "mnist" | "fashion-mnist");
        } finally {
          note.textContent = this.#files === null ? "" : describe(this.#files);
        }
      });
    });
  }
}

function describe({ title, shape, train, test, classNames, known, sound }: ImagesNote): string {
  if (known === "fsdd" || sound !== undefined) {
    return `${title}: ${count(train)} recordings to train on and ${count(test)} to test on, ${shape[0]} frames of ${shape[1]} bands, ${classNames.length} classes.`;
  }
  return `${title}: ${count(train)} images to train on and ${count(test)} to test on, ${shape[0]}×${shape[1]}${shape[2] === 3 ? " in colour" : ""}, ${classNames.length} classes.`;
}
