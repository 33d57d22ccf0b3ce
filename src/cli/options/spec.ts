/** @file What is declared of a command: its name, what it does, and what its help tells besides its options. */

/** What a command is, apart from its options. */
export interface CommandSpec {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What it does, for its own help. */
  readonly description: string;
  /** Positional arguments as commander writes them, such as `<run...>`, with their explanations. */
  readonly args?: readonly (readonly [string, string])[];
  /** Paragraphs for the end of its help. */
  readonly notes?: string;
  /** Command lines for the help; the first ones are on its one screen. */
  readonly examples: readonly string[];
  /** Where the help is longer than a screen: the options on it, by their long form, each in a line. */
  readonly brief?: Readonly<Record<string, string>>;
}
