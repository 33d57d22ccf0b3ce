/** @file Codes of every layer as pictures. */
import { element, setText } from "../shell/dom.js";
import { drawMaps } from "../shell/maps.js";
import { onThemeChange } from "../shell/theme.js";
import type { LayerMaps } from "./reading.js";

const NAMES: Readonly<Record<string, string>> = {
  conv: "convolution",
  maxPool: "largest of 2×2",
  linear: "every input to every output",
  input: "the picture",
};

/** A card for each layer; layers that only reshape are left out. */
export class LayerPictures {
  readonly #host: HTMLElement;
  readonly #cards = new Map<string, { readonly canvas: HTMLCanvasElement; readonly note: HTMLElement }>();
  #layers: readonly LayerMaps[] = [];

  constructor(host: HTMLElement) {
    this.#host = host;
    onThemeChange(() => this.show(this.#layers));
    addEventListener("resize", () => this.show(this.#layers));
  }

  show(layers: readonly LayerMaps[]): void {
    this.#layers = layers;
    this.#host.parentElement!.hidden = layers.length === 0;
    for (const layer of layers) {
      if (layer.op === "flatten" || layer.op === "input") continue;
      const { canvas, note } = this.#card(layer);
      const { count, rows, columns, top, op, shape } = layer;
      const across = Math.max(200, this.#host.clientWidth - 36);
      const fit = Math.floor(across / columns);
      const scale = count === 1 ? Math.max(2, Math.min(10, fit)) : rows > 16 ? 2 : rows > 8 ? 3 : 4;
      drawMaps(canvas, { count, rows, columns, values: layer.values }, across, scale, top === 0);
      setText(note, `${NAMES[op] ?? op}, ${shape.join("×")}, ${top === 0 ? "real numbers" : `codes 0 to ${top}`}`);
    }
  }

  #card({ id }: LayerMaps): { canvas: HTMLCanvasElement; note: HTMLElement } {
    const kept = this.#cards.get(id);
    if (kept !== undefined) return kept;
    const canvas = element("canvas", { class: "pixels", role: "img", "aria-label": `Values of ${id} as pictures` });
    const note = element("p", { class: "note" });
    this.#host.append(element("div", { class: "card" }, element("h3", {}, id), note, canvas));
    const card = { canvas, note };
    this.#cards.set(id, card);
    return card;
  }
}
