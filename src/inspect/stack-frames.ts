/** @file Where in the user's program something happened: lines of a stack without those of the library. */

/** Frames looked at: ops of ops are deep. */
const DEPTH = 60;
/** A frame's file, line and column, as V8, SpiderMonkey and JavaScriptCore write them at a line's end. */
const PLACE = /\(?((?:[a-z][\w+.-]*:\/\/|\/|[a-z]:[\\/])[^()]*?):(\d+):(\d+)\)?$/i;

interface Frame {
  readonly text: string;
  readonly file: string;
}

function frameOf(line: string): Frame | null {
  const place = PLACE.exec(line.trim().replace(/^[^/@]*@/, ""));
  if (place === null) return null;
  const name = /^at (?:async )?([^(]+) \(/.exec(line.trim())?.[1] ?? /^([^/@]+)@/.exec(line.trim())?.[1];
  const file = place[1].replace(/^.*? \(/, "");
  const where = `${file.replace(/^file:\/\//, "")}:${place[2]}:${place[3]}`;
  return { text: name === undefined ? where : `${where} (${name.trim()})`, file };
}

function framesNow(): Frame[] {
  const stacks = Error as { stackTraceLimit?: number };
  const before = stacks.stackTraceLimit;
  // Only V8 has a limit, of 10.
  if (before !== undefined) stacks.stackTraceLimit = DEPTH;
  const { stack = "" } = new Error();
  if (before !== undefined) stacks.stackTraceLimit = before;
  return stack.split("\n").flatMap((line) => frameOf(line) ?? []);
}

/** Folder of the library, as the sources and the build lay it out. */
function libraryOf(file: string): string {
  return file.replace(/(?:(?:inspect|shared)[\\/])?[^\\/]*$/, "");
}

/**
 * The user's frames, innermost first: `file:line:column (function)`. In a program that is bundled with the library into
 * one file, or into one folder, all frames but those of this file.
 */
export function userFrames(): string[] {
  const frames = framesNow();
  if (frames.length === 0) return [];
  const own = frames[0].file;
  const library = libraryOf(own);
  const outside = frames.filter(({ file }) => !file.startsWith(library) && !file.startsWith("node:"));
  return (outside.length > 0 ? outside : frames.slice(1)).map(({ text }) => text);
}
