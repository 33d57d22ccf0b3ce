/** @file What a helper is: a C function that several nodes call. */

/** A C function; `@` stands for the model's prefix, `@@` for that of its macros. */
export interface Helper<Name extends string = string> {
  readonly text: string;
  /** Helpers that it calls; they stand before it. */
  readonly needs?: readonly Name[];
}
