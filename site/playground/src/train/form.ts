/** @file The form of settings: made from the table, read, filled, and its parts that do not apply switched off. */
import { byId, element } from "../shell/dom.js";
import { type Choices, choicesOf, FIELDS, type FieldSpec, isFloat, linkOf } from "./settings.js";

type Control = HTMLInputElement | HTMLSelectElement;

function controlOf({ name, initial, options, step, min, max }: FieldSpec): Control {
  const id = `field-${name}`;
  if (options === undefined) {
    const limits = { step: step ?? "any", min: min ?? null, max: max ?? null };
    const placeholder = name === "lr" ? "as usual" : null;
    return element("input", { id, name, type: "number", value: initial, inputmode: "decimal", placeholder, ...limits });
  }
  const select = element("select", { id, name });
  for (const [value, text] of options) select.append(element("option", { value, selected: value === initial }, text));
  return select;
}

/** The form's fields on the page. */
export class SettingsForm {
  readonly #controls = new Map<string, Control>();
  readonly #from = element("select", { id: "field-from", name: "from" });

  constructor() {
    for (const spec of FIELDS) {
      const control = controlOf(spec);
      this.#controls.set(spec.name, control);
      const label = element("label", { for: control.id }, spec.label);
      byId(spec.detail ? "more" : "fields").append(element("div", { class: "field" }, label, control));
    }
    const label = element("label", { for: "field-from" }, "Start from");
    byId("fields").append(element("div", { class: "field" }, label, this.#from));
    this.starts([]);
    this.fill(choicesOf(location.hash));
    byId("form").addEventListener("change", () => this.#changed());
    addEventListener("hashchange", () => {
      if (location.hash.slice(1) !== linkOf(this.choices)) this.fill(choicesOf(location.hash));
    });
  }

  /** What is chosen now. */
  get choices(): Choices {
    return Object.fromEntries([...this.#controls].map(([name, { value }]) => [name, value]));
  }

  /** The run whose weights are taken, or null. */
  get from(): string | null {
    return this.#from.value === "" ? null : this.#from.value;
  }

  /** Shows other choices. */
  fill(choices: Choices): void {
    for (const [name, control] of this.#controls) control.value = choices[name];
    this.#enable();
  }

  /** Offers runs to start from. */
  starts(runs: readonly { readonly id: string; readonly name: string }[]): void {
    const chosen = this.#from.value;
    this.#from.replaceChildren(element("option", { value: "" }, "fresh weights"));
    for (const { id, name } of runs) this.#from.append(element("option", { value: id }, name));
    if (runs.some(({ id }) => id === chosen)) this.#from.value = chosen;
  }

  #changed(): void {
    this.#enable();
    const link = linkOf(this.choices);
    history.replaceState(null, "", link === "" ? location.pathname + location.search : `#${link}`);
  }

  #enable(): void {
    const float = isFloat(this.choices);
    for (const { name, quantized } of FIELDS) {
      const control = this.#controls.get(name)!;
      control.disabled = quantized === true && float;
    }
    const rho = this.#controls.get("rho")!;
    rho.disabled = float || this.choices.method !== "bcgd";
  }
}
