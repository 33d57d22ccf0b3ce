/**
 * @file Makes the declarations fit every consumer: TypeScript from 5.4 on, `lib` of ES2022 alone, with or without the
 * DOM and Node's types, and `skipLibCheck` off.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

/** Declares what is named but may be missing; empty interfaces merge with those of whoever has the real ones. */
const GLOBALS = `/** Names of the web's that declarations mention, for projects without the DOM's types; they add nothing to these. */
interface AbortSignal {}
interface Blob {}
interface Event {}
declare namespace WebAssembly {
  interface Memory {}
  interface Module {}
}
`;

/** Typed arrays became generic in TypeScript 5.7: a name for the same type that older ones know too. */
const older = (text) =>
  text
    .replaceAll(/\b(\w+Array)<ArrayBufferLike>/g, "$1")
    .replaceAll(/\b(\w+Array)<ArrayBuffer>/g, 'ReturnType<$1Constructor["of"]>');

/** @param {string} dist folder of the declarations @param {object} exports of package.json */
export function finishDeclarations(dist, exports) {
  writeFileSync(path.join(dist, "globals.d.ts"), GLOBALS);
  const entries = new Set(
    Object.values(exports).flatMap((target) =>
      typeof target === "object" ? [path.posix.relative("./dist", target.types)] : [],
    ),
  );
  for (const name of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".d.ts")) continue;
    const file = path.join(dist, name);
    const given = readFileSync(file, "utf8");
    const unix = name.split(path.sep).join("/");
    const globals = path.posix.relative(path.posix.dirname(unix), "globals.d.ts");
    const head = entries.has(unix)
      ? `/// <reference lib="esnext.disposable" />\n/// <reference path="${globals.startsWith(".") ? globals : `./${globals}`}" />\n`
      : "";
    const text = head + older(given);
    if (text !== given) writeFileSync(file, text);
  }
}
