/**
 * @file Every ONNX file under a folder: does it import, does it agree with onnxruntime, does it pack?
 *
 *     npm run build && node experiments/onnx-survey.mjs DIR [--json] [--seconds N] [--megabytes N] [--help]
 */
import { spawn } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const HELP = `Usage: node experiments/onnx-survey.mjs DIR [options]

For every .onnx file under DIR (values in files beside it are found): is it a feed-forward network with one input,
does it import, does it agree with onnxruntime on three seeded random inputs, does it pack with 1-bit weights and
4-bit activations after prepare and calibration on random inputs, and does verify find equal codes?

  --json          one line of JSON for each file instead of a table
  --seconds N     time that one file may take (default 120)
  --megabytes N   memory of the heap that one file may take (default 4096)
  --help          this text
`;

/** Largest difference that counts as agreement, relative to the output's largest magnitude. */
export const TOLERANCE = 1e-4;

const CHILD = path.join(import.meta.dirname, "onnx-survey", "file.mjs");

/** The .onnx files under a folder, by name. */
export function filesUnder(folder) {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Error(`${folder}: cannot be read; expected a folder with .onnx files, got no such folder`);
  }
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".onnx") && statSync(path.join(folder, name)).isFile())
    .sort();
}

/** What a process of its own says of a file, within limits of time and memory. */
export function surveyed(file, { seconds, megabytes }) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [`--max-old-space-size=${megabytes}`, CHILD, file], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [out, err, late] = ["", "", false];
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, 1000 * seconds);
    child.stdout.on("data", (data) => (out += data));
    child.stderr.on("data", (data) => (err += data));
    child.on("close", (code) => {
      clearTimeout(timer);
      const line = out.trim().split("\n").at(-1) ?? "";
      if (!late && code === 0 && line.startsWith("{")) return resolve(JSON.parse(line));
      const failure = late ? `longer than ${seconds} s` : `ended with ${code}: ${err.trim().split("\n")[0]}`;
      return resolve({ file, outside: null, failure });
    });
  });
}

/** One word for each question. */
export function verdict(result) {
  const { outside, imported, refusal, failure, absolute, relative, conditioning = 0, packed, notPacked } = result;
  const reason = outside ?? refusal ?? failure ?? notPacked ?? "";
  if (outside !== null) return { scope: "outside", imported: "", agrees: "", packs: "", reason };
  const close = relative <= TOLERANCE ? "yes" : relative <= conditioning ? "ill-conditioned" : "NO";
  const agrees = absolute === undefined ? "no" : close;
  const packs = packed === undefined ? "no" : packed.codesEqual ? "yes" : "CODES DIFFER";
  return { scope: "inside", imported: imported ? "yes" : "no", ...(imported && { agrees, packs }), reason };
}

/** Counts, the worst agreement, and why files failed. */
export function summary(results) {
  const inside = results.filter(({ outside }) => outside === null);
  const imported = inside.filter(({ imported }) => imported);
  const compared = imported.filter(({ relative }) => relative !== undefined);
  const agreeing = compared.filter(({ relative }) => relative <= TOLERANCE);
  const packed = imported.filter(({ packed }) => packed?.codesEqual);
  const worst = agreeing.reduce((most, { relative }) => Math.max(most, relative), 0);
  // Behind a division by nearly nothing, say, one rounding of the input moves the runtime's own output as far.
  const ill = compared.filter(({ relative, conditioning = 0 }) => relative > TOLERANCE && relative <= conditioning);
  const share = (part, whole) => `${part} of ${whole} (${((100 * part) / Math.max(1, whole)).toFixed(1)} %)`;
  const lines = [
    `${results.length} files, ${inside.length} inside the rule`,
    `imported: ${share(imported.length, inside.length)}`,
    `agree with onnxruntime within ${TOLERANCE} of the output's scale: ${share(agreeing.length, imported.length)}, ` +
      `worst ${worst.toExponential(1)}`,
    `no further from it than it is from itself with inputs one rounding off: ${ill.length} more`,
    `packed at 1W4A with equal codes: ${share(packed.length, imported.length)}`,
  ];
  const reasons = new Map();
  for (const result of inside) {
    const { reason } = verdict(result);
    const plain = reason
      .replace(/^\w+: (?:.*?: node .*?(\(\w+\)),?: )?/, "$1 ")
      .trim()
      .slice(0, 140);
    if (reason !== "") reasons.set(plain, (reasons.get(plain) ?? 0) + 1);
  }
  for (const [reason, count] of [...reasons].sort(([, a], [, b]) => b - a)) lines.push(`  ${count} × ${reason}`);
  return lines;
}

function number(name, value) {
  const found = Number(value);
  if (!(Number.isFinite(found) && found > 0)) throw new Error(`--${name}: expected a number above 0, got ${value}`);
  return found;
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      seconds: { type: "string", default: "120" },
      megabytes: { type: "string", default: "4096" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  if (positionals.length !== 1) throw new Error("expected one folder (--help says more)");
  const [folder] = positionals;
  const limits = { seconds: number("seconds", values.seconds), megabytes: number("megabytes", values.megabytes) };
  const names = filesUnder(folder);
  if (names.length === 0) throw new Error(`no .onnx file under ${folder}`);
  const results = [];
  for (const [i, name] of names.entries()) {
    process.stderr.write(`${i + 1} of ${names.length}: ${name}\n`);
    const result = { ...(await surveyed(path.join(folder, name), limits)), file: name };
    results.push(result);
    if (values.json) console.log(JSON.stringify(result));
  }
  if (!values.json) {
    console.log("| file | producer | in the rule | imported | agrees (largest relative difference) | packs | reason |");
    console.log("| --- | --- | --- | --- | --- | --- | --- |");
    for (const result of results) {
      const { scope, imported = "", agrees = "", packs = "", reason } = verdict(result);
      const difference = result.relative === undefined ? "" : ` (${result.relative.toExponential(1)})`;
      const cells = [result.file, result.producer ?? "", scope, imported, `${agrees}${difference}`, packs, reason];
      console.log(`| ${cells.map((cell) => cell.replaceAll("|", "/")).join(" | ")} |`);
    }
  }
  for (const line of summary(results)) (values.json ? console.error : console.log)(line);
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    await main();
  } catch (error) {
    console.error(`onnx-survey: ${error.message}`);
    process.exitCode = 2;
  }
}
