/**
 * @file Where a command writes: results on stdout, everything else on stderr, one JSON document with --json; names from
 * files shown escaped.
 */
import { printable } from "../../core/printable.js";

/** Options that every command has. */
export interface CommonOptions {
  /** Print one JSON document on stdout and nothing else. */
  json?: boolean;
  /** No progress and no notes on stderr. */
  quiet?: boolean;
}

/** Writes text for people or a JSON document: nothing that came from a file acts on the terminal. */
export function writeText(stream: NodeJS.WriteStream, text: string): void {
  stream.write(printable(text));
}

/** The streams of one command. */
export class Terminal {
  readonly json: boolean;
  readonly quiet: boolean;

  constructor(options: CommonOptions) {
    this.json = options.json === true;
    this.quiet = options.quiet === true;
  }

  /** True where a bar may be redrawn in place. */
  get animated(): boolean {
    return this.chatty && process.stderr.isTTY === true && process.env["TERM"] !== "dumb";
  }
  /** True unless --json or --quiet asked for silence on stderr. */
  get chatty(): boolean {
    return !this.json && !this.quiet;
  }
  /** Something worth knowing while it runs; stderr, silent with --json and --quiet. */
  note(text: string): void {
    if (this.chatty) writeText(process.stderr, `${text}\n`);
  }
  /** Something that is wrong but does not stop the command; stderr, always. */
  warn(text: string): void {
    writeText(process.stderr, `coarsegrad: warning: ${text}\n`);
  }
  /** One of many results, as it comes: a line of JSON with --json, else the text that `human` makes. */
  line(value: unknown, human: () => string): void {
    writeText(process.stdout, `${this.json ? JSON.stringify(value) : human()}\n`);
  }
  /** The result: as JSON with --json, else as the text that `human` makes. */
  result(value: unknown, human: () => string): void {
    writeText(process.stdout, `${this.json ? JSON.stringify(value, null, 2) : human()}\n`);
  }
}
