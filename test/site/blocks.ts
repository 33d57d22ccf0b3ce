/**
 * @file Fenced blocks of the documentation's pages, and the programs that they make.
 *
 * The `js` blocks of a page are one program, unless a comment on the line before a block says otherwise:
 *
 * - `<!-- new program -->`: another one begins
 * - `<!-- file: NAME -->`: a module of its own, which other blocks or commands use
 * - `<!-- throws CLASS: WORDS -->`: a program of its own that ends with this error
 */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { root } from "../../scripts/run.mjs";

/** One fenced block. */
export interface Block {
  /** The page's file, from the root. */
  readonly page: string;
  readonly line: number;
  readonly language: string;
  readonly text: string;
  /** The comment before it, without its marks. */
  readonly note: string;
}

/** A program of one or more blocks. */
export interface Program {
  /** Where it stands, for messages. */
  readonly name: string;
  readonly page: string;
  readonly text: string;
  /** Name of the module that it is, for others. */
  readonly file?: string;
  /** The error that ends it. */
  readonly throws?: { readonly type: string; readonly words: string };
}

/** Markdown files of a folder, from the root. */
export function pagesOf(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
    .map((name) => path.posix.join(folder, name.replaceAll("\\", "/")))
    .filter((name) => name.endsWith(".md"))
    .sort();
}

/** The fenced blocks of a page, in order. */
export function blocksOf(page: string): Block[] {
  const lines = readFileSync(path.join(root, page), "utf8").split("\n");
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at++) {
    const fence = /^```(\S*)$/.exec(lines[at]);
    if (fence === null) continue;
    const end = lines.indexOf("```", at + 1);
    if (end < 0) throw new Error(`${page}:${at + 1}: a block without an end`);
    const note = /^<!-- (.*) -->$/.exec(lines[at - 1] ?? "")?.[1] ?? "";
    blocks.push({ page, line: at + 1, language: fence[1], text: lines.slice(at + 1, end).join("\n"), note });
    at = end;
  }
  return blocks;
}

/** The programs of a page's `js` and `ts` blocks. @throws Error on a comment that is not known */
export function programsOf(page: string): Program[] {
  const programs: Program[] = [];
  let open: { name: string; page: string; text: string } | null = null;
  for (const block of blocksOf(page).filter(({ language }) => language === "js" || language === "ts")) {
    const name = `${page}:${block.line}`;
    const [, file] = /^file: (.+)$/.exec(block.note) ?? [];
    const [, type, words] = /^throws (\w+): (.+)$/.exec(block.note) ?? [];
    if (file !== undefined) programs.push({ name, page, text: block.text, file });
    else if (type !== undefined) programs.push({ name, page, text: block.text, throws: { type, words } });
    else if (block.note !== "" && block.note !== "new program") throw new Error(`${name}: unknown note ${block.note}`);
    else if (open === null || block.note === "new program") {
      open = { name, page, text: block.text };
      programs.push(open);
    } else open.text += `\n${block.text}`;
  }
  return programs;
}

/** A command of a `sh` block: its words, without comments; lines that end with a backslash go on. */
export function commandsOf({ text }: Block): string[][] {
  const lines = text.replaceAll("\\\n", " ").split(/\n|&&|\|\|/);
  const words = (line: string): string[] =>
    [...line.replace(/(^|\s)#.*$/, "").matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c);
  return lines.map(words).filter((command) => command.length > 0);
}
