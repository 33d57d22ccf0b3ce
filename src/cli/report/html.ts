/** @file HTML by template: values are escaped unless they are markup already. */
import { printable, scriptJson } from "../../core/printable.js";

/** Markup that may be inserted as it is. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
}

type Piece = Markup | string | number | false | null | undefined | readonly Piece[];

function escaped(text: string): string {
  return printable(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function render(piece: Piece): string {
  if (piece === false || piece === null || piece === undefined) return "";
  if (piece instanceof Markup) return piece.text;
  if (Array.isArray(piece)) return piece.map(render).join("");
  return escaped(String(piece));
}

/** Markup from a template; lists are joined, `false` and null vanish, everything else is escaped. */
export function html(strings: TemplateStringsArray, ...pieces: Piece[]): Markup {
  return new Markup(strings.map((text, i) => (i === 0 ? text : render(pieces[i - 1]) + text)).join(""));
}

/** JSON that is safe inside a script element: no tag, comment or line end of any kind can begin in it. */
export function embeddedJson(value: unknown): Markup {
  return new Markup(scriptJson(value));
}
