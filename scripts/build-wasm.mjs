/**
 * @file Compiles the kernels: all of them over memory of one thread and over shared memory, and those of the packed
 * runtime alone (assembly/runtime.ts); each of the three with exact and with fused products of reals. Relaxed SIMD is in
 * all of them; the exact ones leave room for it and are valid without (plain-simd.mjs). The exact runtime, which pages
 * load, is made short and has no dot products of bytes; there is one with them that `init` loads later. All of them: what
 * files of assembly/ export under a name that begins with a type of elements. Each gives a module in build/ and
 * the same bytes as text in src/kernels/. Every compilation runs on a thread of its own, as many at a time as there are
 * processors; what was compiled from the same sources before is taken from build/kernels-cache/.
 *
 * `--check` writes nothing and exits with 1 if a generated file is not what the sources give.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import v8 from "node:v8";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import asc from "assemblyscript/asc";
import { withoutRelaxed } from "./plain-simd.mjs";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** What is compiled: target of asconfig.json, entry, module, generated text. The longest first. */
const MODULES = [
  {
    target: "release",
    entry: "assembly/index.ts",
    wasm: "build/kernels.wasm",
    generated: "src/kernels/wasm.generated.ts",
  },
  {
    target: "short",
    entry: "assembly/runtime.ts",
    wasm: "build/runtime.wasm",
    generated: "src/kernels/wasm-runtime.generated.ts",
  },
  {
    target: "threads",
    entry: "assembly/index.ts",
    wasm: "build/kernels-threads.wasm",
    generated: "src/kernels/wasm-threads.generated.ts",
  },
  {
    target: "relaxed",
    entry: "assembly/index.ts",
    wasm: "build/kernels-relaxed.wasm",
    generated: "src/kernels/wasm-relaxed.generated.ts",
  },
  {
    target: "relaxed-threads",
    entry: "assembly/index.ts",
    wasm: "build/kernels-relaxed-threads.wasm",
    generated: "src/kernels/wasm-relaxed-threads.generated.ts",
  },
  {
    target: "release",
    entry: "assembly/runtime.ts",
    wasm: "build/runtime-dots.wasm",
    generated: "src/kernels/wasm-dots-runtime.generated.ts",
  },
  {
    target: "relaxed",
    entry: "assembly/runtime.ts",
    wasm: "build/runtime-relaxed.wasm",
    generated: "src/kernels/wasm-relaxed-runtime.generated.ts",
  },
];

/** The entry of all kernels, which no file is. */
const ALL = "assembly/index.ts";

/** Files of assembly/, from the root, in order. */
function assemblyFiles() {
  const names = readdirSync(path.join(root, "assembly"), { recursive: true }).filter((name) => name.endsWith(".ts"));
  return names.sort().map((name) => path.posix.join("assembly", name.split(path.sep).join("/")));
}

/** Exports of every kernel. */
function entryOfAll() {
  return assemblyFiles()
    .filter((file) => file.split("/").length > 2)
    .map((file) => {
      const text = readFileSync(path.join(root, file), "utf8");
      const kernels = [...text.matchAll(/^export function ((?:f32|i32|i8|u8|u4|b8|b32|b64)_\w+)\(/gm)];
      const names = kernels.map(([, name]) => name).join(", ");
      return names === "" ? "" : `export { ${names} } from "./${file.slice("assembly/".length, -".ts".length)}";\n`;
    })
    .join("");
}

/** Compiles in memory, on this thread. @returns the module's bytes */
async function compile({ target, entry, wasm }) {
  let bytes = null;
  let listing = "";
  const messages = [];
  const keep = { write: (text) => void messages.push(text) };
  const { error } = await asc.main([entry, "--config", "asconfig.json", "--target", target, "--textFile", "m.wat"], {
    stdout: keep,
    stderr: keep,
    readFile(name, baseDir) {
      if (name === ALL) return entryOfAll();
      try {
        return readFileSync(path.resolve(root, baseDir, name), "utf8");
      } catch {
        return null; // asc asks for several candidate names of an import
      }
    },
    writeFile(name, contents) {
      if (name.endsWith(".wasm")) bytes = contents;
      else if (name.endsWith(".wat")) listing = contents;
    },
  });
  if (error || bytes === null) throw new Error(`build-wasm: asc failed\n${messages.join("")}${error ?? ""}`);
  return wasm.includes("relaxed") ? bytes : withoutRelaxed(bytes, listing);
}

/** Refuses a module that needs more than the heap or that owns memory: kernels are functions, nothing else. */
function inspect(bytes) {
  const module = new WebAssembly.Module(bytes);
  const imports = WebAssembly.Module.imports(module).map((entry) => `${entry.module}.${entry.name}`);
  if (imports.join() !== "env.memory") {
    throw new Error(`build-wasm: unexpected imports; expected env.memory, got ${imports.join()}`);
  }
  const strange = WebAssembly.Module.exports(module).filter((entry) => entry.kind !== "function");
  if (strange.length > 0)
    throw new Error(`build-wasm: exports ${strange.map((entry) => entry.name)}; expected functions only`);
  // Section 11 holds data segments, which would overwrite the start of a heap that is already in use.
  for (let at = 8; at < bytes.length; ) {
    const id = bytes[at++];
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      size += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    if (id === 11) throw new Error("build-wasm: the module has data segments; kernels must not use static memory");
    at += size;
  }
}

/** Writes beside the target, then renames: a reader sees the old file or the new one, never half of one. */
function replace(file, contents) {
  mkdirSync(path.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, contents);
  renameSync(temporary, file);
}

function readOrNull(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}

/** A name for everything that decides a module's bytes, but its target and entry. */
function sourcesName() {
  const hash = createHash("sha256");
  const numbers = readdirSync(path.join(root, "src", "kernels"), { recursive: true })
    .filter((name) => path.basename(name) === "sizes.ts")
    .sort()
    .map((name) => path.join("src", "kernels", name));
  for (const file of [
    ...assemblyFiles(),
    ...numbers,
    "asconfig.json",
    "node_modules/assemblyscript/package.json",
    "scripts/build-wasm.mjs",
    "scripts/plain-simd.mjs",
  ]) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(path.join(root, file)))
      .update("\0");
  }
  return hash.digest("hex").slice(0, 32);
}

/** The module's bytes, compiled now or before. */
async function bytesOf(module, sources) {
  const folder = path.join(root, "build", "kernels-cache");
  const kept = path.join(folder, `${path.basename(module.wasm, ".wasm")}-${sources}.wasm`);
  try {
    return readFileSync(kept);
  } catch {
    const bytes = await compileAside(module);
    // One version is enough.
    for (const name of readOrEmpty(folder)) {
      if (name.startsWith(`${path.basename(module.wasm, ".wasm")}-`) && name.length === path.basename(kept).length) {
        rmSync(path.join(folder, name), { force: true });
      }
    }
    replace(kept, bytes);
    return bytes;
  }
}

function readOrEmpty(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Compiles on a thread of its own. @returns the module's bytes */
function compileAside(module) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: module });
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`build-wasm: ${module.entry}: exit code ${code}`)));
  });
}

/**
 * What `bytesOfText` in src/kernels/wasm.ts reads: one character for the bytes that code is mostly made of, two for
 * others.
 */
function textOf(bytes) {
  let text = "";
  for (const byte of bytes) {
    const place = (byte + 3) & 255;
    text += place < 86 ? DIGITS[place] : DIGITS[85 + Math.floor(place / 86)] + DIGITS[place % 86];
  }
  return text;
}
/** Printable ASCII but for what strings, templates and HTML read as something else. */
const DIGITS = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).filter(
  (character) => !'"\\$`<>&'.includes(character),
);

/** Checks a compiled module, and writes it or compares it with what is there. */
function finish({ wasm, generated }, bytes) {
  inspect(bytes);
  const text =
    "/** @file Kernels as a WebAssembly module, as text for bytesOfText. Generated by scripts/build-wasm.mjs; do not edit. */\n" +
    `export const WASM_TEXT: string =\n  "${textOf(bytes)}";\n`;
  const file = path.join(root, generated);
  if (!process.argv.includes("--check")) {
    replace(path.join(root, wasm), bytes);
    if (readOrNull(file) !== text) replace(file, text);
    console.log(`${wasm}: ${bytes.length} bytes`);
  } else if (readOrNull(file) !== text) {
    console.error(
      `build-wasm: ${generated} is not what assembly/ compiles to; run \`node scripts/build-wasm.mjs\` and commit it`,
    );
    process.exitCode = 1;
  }
}

async function main() {
  const sources = sourcesName();
  const waiting = [...MODULES];
  const work = async () => {
    for (let module = waiting.shift(); module !== undefined; module = waiting.shift()) {
      finish(module, await bytesOf(module, sources));
    }
  };
  await Promise.all(Array.from({ length: os.availableParallelism() }, work));
}

// Inspecting a module needs an engine that takes it: Node 20 has relaxed SIMD behind a flag.
if (process.versions.node.startsWith("20.")) v8.setFlagsFromString("--experimental-wasm-relaxed-simd");
if (isMainThread) await main();
else parentPort.postMessage(await compile(workerData));
