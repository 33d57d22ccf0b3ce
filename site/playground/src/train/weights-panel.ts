/** @file Weights on the page: filters as pictures, a histogram for each layer. */
import { byId, setText } from "../shell/dom.js";
import { inAFrame } from "../shell/frames.js";
import { histogramFigure } from "../shell/histogram.js";
import { drawMaps } from "../shell/maps.js";
import { onThemeChange } from "../shell/theme.js";
import type { WeightsView } from "./record.js";

/** Histograms that are made in one frame. */
const AT_A_TIME = 6;

/** The section of weights. */
export class WeightsPanel {
  #view: WeightsView | null = null;

  constructor() {
    onThemeChange(() => this.show(this.#view));
  }

  show(view: WeightsView | null): void {
    this.#view = view;
    byId("weights").hidden = view === null;
    if (view === null) return;
    // Networks of many layers have many figures: some at a time.
    const figures: HTMLElement[] = [];
    for (let first = 0; first < view.layers.length; first += AT_A_TIME) {
      inAFrame(`histograms ${first}`, () => {
        figures.push(...view.layers.slice(first, first + AT_A_TIME).map(histogramFigure));
        if (figures.length === view.layers.length) byId("histograms").replaceChildren(...figures);
      });
    }
    inAFrame("filters", () => this.#filters(view));
  }

  #filters({ filters }: WeightsView): void {
    byId("filters-card").hidden = filters === null;
    if (filters === null) return;
    const { layer, bits, count } = filters;
    const what = bits === 32 ? "float weights" : `${bits}-bit weights`;
    setText(byId("filters-title"), `Filters of ${layer}`);
    setText(byId("filters-note"), `${count} of them, ${what}: blue is positive, orange negative.`);
    const canvas = byId<HTMLCanvasElement>("filters");
    canvas.setAttribute("aria-label", `${count} filters of ${layer} as pictures`);
    const across = byId("filters-card").clientWidth - 36;
    drawMaps(canvas, filters, across, filters.columns > 12 ? 3 : 7, true);
  }
}
