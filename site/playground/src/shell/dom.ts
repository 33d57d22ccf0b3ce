/** @file Elements, found and made. */

type Child = Node | string | null | false;

/** The element of that id. @throws Error if the page has none */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`no element ${id}`);
  return element as T;
}

/** An element with attributes (`true`: present, `false` or null: absent) and children. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | number | boolean | null>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null) made.setAttribute(name, `${value}`);
  }
  for (const child of children) if (child !== null && child !== false) made.append(child);
  return made;
}

/** A button that does something. */
export function button(
  text: string,
  action: () => unknown,
  attributes: Record<string, string> = {},
): HTMLButtonElement {
  const made = element("button", { type: "button", ...attributes }, text);
  made.addEventListener("click", () => void action());
  return made;
}

/** Runs `action`; an error's message is shown in `place`, which is cleared first. */
export async function reporting(place: HTMLElement, action: () => unknown): Promise<void> {
  place.textContent = "";
  try {
    await action();
  } catch (error) {
    place.textContent = error instanceof Error ? error.message : String(error);
  }
}

/** Writes text only where it differs, so that nothing is announced or laid out for nothing. */
export function setText(place: Element, text: string): void {
  if (place.textContent !== text) place.textContent = text;
}

/** Term and value pairs as a list of figures. */
export function figures(rows: readonly (readonly [term: string, value: string, unit?: string])[]): HTMLDListElement {
  const list = element("dl", { class: "tiles" });
  for (const [term, value, unit] of rows) {
    const shown = element("dd", {}, value, unit === undefined ? null : element("small", {}, ` ${unit}`));
    list.append(element("div", {}, element("dt", {}, term), shown));
  }
  return list;
}

/** A table; columns whose head begins with `>` are numbers. */
export function table(
  caption: string,
  heads: readonly string[],
  rows: readonly (readonly (string | Node)[])[],
): HTMLTableElement {
  const number = heads.map((head) => head.startsWith(">"));
  const made = element("table", {}, element("caption", { class: "hidden" }, caption));
  const head = element("tr");
  heads.forEach((text, i) => {
    head.append(element("th", { scope: "col", class: number[i] ? "n" : null }, text.replace(/^>/, "")));
  });
  made.append(element("thead", {}, head));
  const body = element("tbody");
  for (const row of rows) {
    const line = element("tr");
    row.forEach((cell, i) => {
      line.append(
        i === 0 ? element("th", { scope: "row" }, cell) : element("td", { class: number[i] ? "n" : null }, cell),
      );
    });
    body.append(line);
  }
  made.append(body);
  return made;
}
