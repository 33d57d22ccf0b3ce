/**
 * @file The header of a .npy file: a Python dictionary literal, read by hand in one pass, so that no text can take more
 * than linear time.
 */

/** The element type of records, whose fields are not looked at. */
export const RECORDS = "records";

/** What a header says. */
export interface NpyHeader {
  /** Byte order: `<`, `>`, `|` or `=`. */
  readonly order: string;
  /** Element type without its byte order, such as `f4`. */
  readonly descr: string;
  readonly fortran: boolean;
  /** Extents as they are written; not checked for size. */
  readonly shape: number[];
}

/**
 * Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`. NumPy writes the keys sorted; other writers may
 * not.
 *
 * @returns its fields; null for anything else
 */
export function parseNpyHeader(text: string): NpyHeader | null {
  return new Reader(text).dictionary();
}

const isDigit = (character: string | undefined): boolean =>
  character !== undefined && character >= "0" && character <= "9";

/** A place in the text. Every method goes forward only; null and false mean: not there. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  dictionary(): NpyHeader | null {
    const fields: Partial<{ -readonly [Name in keyof NpyHeader]: NpyHeader[Name] }> = {};
    if (!this.#takes("{")) return null;
    for (let n = 0; n < 3; n++) {
      const key = this.#string();
      if (key === null || !this.#takes(":")) return null;
      if (key === "descr" && fields.descr === undefined) {
        if (this.#takes("[")) {
          if (!this.#passList()) return null;
          [fields.order, fields.descr] = ["|", RECORDS];
          this.#takes(",");
          continue;
        }
        const type = this.#string();
        if (type === null || !"<>|=".includes(type[0] ?? "x") || !isType(type)) return null;
        [fields.order, fields.descr] = [type[0], type.slice(1)];
      } else if (key === "fortran_order" && fields.fortran === undefined) {
        if (this.#takes("True")) fields.fortran = true;
        else if (this.#takes("False")) fields.fortran = false;
        else return null;
      } else if (key === "shape" && fields.shape === undefined) {
        const shape = this.#tuple();
        if (shape === null) return null;
        fields.shape = shape;
      } else return null;
      this.#takes(",");
    }
    if (!this.#takes("}")) return null;
    this.#blanks();
    return this.#at === this.#text.length ? (fields as NpyHeader) : null;
  }

  #blanks(): void {
    while (" \t\n\r\v\f".includes(this.#text[this.#at] ?? "x")) this.#at++;
  }

  /** Passes over blanks and then a word, if it is there. */
  #takes(word: string): boolean {
    this.#blanks();
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  /** What stands in quotes of one kind. */
  #string(): string | null {
    this.#blanks();
    const quote = this.#text[this.#at];
    if (quote !== "'" && quote !== '"') return null;
    const end = this.#text.indexOf(quote, this.#at + 1);
    if (end < 0) return null;
    const text = this.#text.slice(this.#at + 1, end);
    this.#at = end + 1;
    return text;
  }

  /** Passes over the rest of a list, with what is nested in it, but for its meaning. */
  #passList(): boolean {
    for (let depth = 1; depth > 0; this.#at++) {
      const character = this.#text[this.#at];
      if (character === undefined) return false;
      if (character === "'" || character === '"') {
        if (this.#string() === null) return false;
        this.#at--;
      } else if (character === "[") depth++;
      else if (character === "]") depth--;
    }
    return true;
  }

  /** `()`, `(3,)`, `(3, 4)`; Python 2 wrote `(3L, 4L)`. */
  #tuple(): number[] | null {
    if (!this.#takes("(")) return null;
    const extents: number[] = [];
    while (!this.#takes(")")) {
      const from = this.#at;
      while (isDigit(this.#text[this.#at])) this.#at++;
      if (this.#at === from) return null;
      extents.push(Number(this.#text.slice(from, this.#at)));
      if (this.#text[this.#at] === "L") this.#at++;
      if (!this.#takes(",")) return this.#takes(")") ? extents : null;
    }
    return extents;
  }
}

/** A byte order, a letter, and digits; an object has none, dates have a unit in brackets. */
function isType(type: string): boolean {
  const letter = type[1] ?? "";
  if (type.length < 2 || type.length > 20 || !/[a-zA-Z]/.test(letter)) return false;
  let at = 2;
  while (isDigit(type[at])) at++;
  return at === type.length || ("mM".includes(letter) && type[at] === "[" && type.endsWith("]"));
}
