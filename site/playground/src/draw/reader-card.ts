/** @file One network's answer on the page. */
import { element, setText } from "../shell/dom.js";
import { bytes, percent, short } from "../shell/numbers.js";
import type { Reading } from "./reading.js";

/** A card: what the network reads, how sure it is, how long it takes. */
export class ReaderCard {
  readonly root: HTMLElement;
  readonly #digit = element("b", {}, "–");
  readonly #sure = element("span", {}, "Draw something.");
  readonly #note = element("p", { class: "note" });
  readonly #bars: HTMLElement[] = [];
  readonly #size: number;

  /** @param live whether screen readers are told of every answer */
  constructor(title: string, about: string, size: number, live: boolean) {
    this.#size = size;
    const list = element("ol", { "aria-label": `Probabilities of ${title}` });
    for (let digit = 0; digit < 10; digit++) {
      const item = element("li", {}, element("span", {}, `${digit}`), element("i"), element("span", {}, "–"));
      this.#bars.push(item);
      list.append(item);
    }
    const answer = element("p", { class: "answer", "aria-live": live ? "polite" : null }, this.#digit, this.#sure);
    this.root = element(
      "div",
      { class: "card reader" },
      element("h3", {}, title),
      element("span", { class: "note" }, about),
      answer,
      list,
      this.#note,
    );
    this.show(null);
  }

  show(reading: Reading | null): void {
    setText(this.#digit, reading === null ? "–" : `${reading.label}`);
    setText(this.#sure, reading === null ? "Draw something." : `${percent(reading.probabilities[reading.label])} sure`);
    this.#bars.forEach((item, digit) => {
      const share = reading?.probabilities[digit] ?? 0;
      (item.children[1] as HTMLElement).style.setProperty("--share", share.toFixed(3));
      setText(item.children[2], reading === null ? "–" : percent(share));
    });
    const time = reading === null ? "" : `${short(reading.milliseconds)} ms a picture, `;
    setText(this.#note, `${time}${bytes(this.#size)}`);
  }
}
