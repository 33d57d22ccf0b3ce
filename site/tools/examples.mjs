/** @file The page of the examples: each program with its first comment as its text. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** The title of an example: its file's name in words. */
const title = (name) => name.replace(/\.\w+$/, "");

/** What an example says of itself in its first comment, and the rest. */
function parts(file, text) {
  if (file.endsWith(".html")) {
    const [, says, code] = /^<!--\s*([\s\S]*?)\s*-->\n([\s\S]*)$/.exec(text) ?? [null, "", text];
    return { says: says.replace(/\s+/g, " "), code, language: "html" };
  }
  const lines = text.split("\n");
  const end = lines.findIndex((line) => !line.startsWith("//"));
  const says = lines.slice(0, end).map((line) => line.replace(/^\/\/ ?/, ""));
  return { says: says.join(" "), code: lines.slice(end).join("\n").trimStart(), language: "js" };
}

/**
 * Pages made of a folder of programs.
 *
 * @param {string} folder
 * @returns {Record<string, string>} by name: one page
 */
export function exampleTexts(folder) {
  const files = readdirSync(folder).filter((name) => /\.(?:mjs|html)$/.test(name) && !name.endsWith(".worker.mjs"));
  const section = (file) => {
    const { says, code, language } = parts(file, readFileSync(path.join(folder, file), "utf8"));
    const worker = file.replace(/\.html$/, ".worker.mjs");
    const beside =
      readdirSync(folder).includes(worker) && worker !== file ? readFileSync(path.join(folder, worker), "utf8") : "";
    const more = beside === "" ? "" : `\n\`\`\`js [${worker}]\n${parts(worker, beside).code}\`\`\`\n`;
    return `### ${title(file)}\n\n${says}\n\n\`\`\`${language} [examples/${file}]\n${code.trimEnd()}\n\`\`\`\n${more}`;
  };
  const [pages, programs] = [".html", ".mjs"].map((ending) => files.filter((name) => name.endsWith(ending)).sort());
  const text = `# Examples

Small complete programs. Each is run by the test suite, and each that trains also packs what it trained and proves that the packed file repeats it bit for bit.
The programs for Node start with \`node examples/NAME.mjs\` where the package is installed; the pages for browsers are taken by Vite and other bundlers as they stand.

## In a browser

${pages.map(section).join("\n")}
## In Node

${programs.map(section).join("\n")}`;
  return { "index.md": text };
}
