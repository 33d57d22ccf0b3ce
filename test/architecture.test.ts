/**
 * @file The house's rules, read from the sources: who imports whom, no cycles, short files with a header, exact
 * arithmetic only.
 */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

/**
 * What each room imports besides itself, and nothing more; `index` is src/index.ts. Rooms stand in an order in which
 * each imports those before it alone.
 *
 * `export` reads of `kernels` in which blocks they sum, to write the same in C.
 *
 * `onnx` is beside export, not inside it: it lowers networks as export does and has a library for protobuf. `run` is a
 * run from its configuration to its packed model: what scripts, pages and the command line share, without Node. `sweep`
 * is many of them.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  world: ["core"],
  codes: ["core"],
  memory: ["core"],
  kernels: ["core", "codes", "memory"],
  ndarray: ["core", "memory", "kernels"],
  ops: ["core", "ndarray"],
  autograd: ["core", "memory", "ndarray", "ops"],
  nn: ["core", "memory", "ndarray", "ops", "autograd"],
  quant: ["core", "codes", "memory", "kernels", "ndarray", "ops", "autograd", "nn"],
  optim: ["core", "memory", "ndarray", "nn", "quant"],
  models: ["core", "autograd", "nn"],
  io: ["core"],
  sound: ["core", "io"],
  data: ["core", "world", "ndarray", "autograd", "nn", "sound"],
  theory: ["core", "codes", "memory", "ndarray", "autograd", "quant"],
  format: ["core", "codes", "io", "sound"],
  worker: ["core", "memory"],
  train: ["core", "world", "codes", "memory", "ndarray", "autograd", "nn", "quant", "optim", "data", "io"],
  infer: ["core", "codes", "memory", "kernels", "format"],
  export: [
    "core",
    "codes",
    "memory",
    "kernels",
    "ndarray",
    "ops",
    "autograd",
    "nn",
    "quant",
    "sound",
    "format",
    "infer",
  ],
  inspect: ["core", "codes", "memory", "ndarray", "ops", "autograd", "nn", "quant"],
  onnx: ["core", "codes", "ndarray", "autograd", "nn", "format", "infer", "export"],
  run: [
    "core",
    "world",
    "codes",
    "memory",
    "ndarray",
    "autograd",
    "nn",
    "quant",
    "optim",
    "models",
    "io",
    "sound",
    "data",
    "format",
    "train",
    "infer",
    "export",
    "onnx",
  ],
  node: ["core", "world", "kernels", "nn", "io", "sound", "data", "onnx", "train", "run"],
  sweep: ["core", "io", "train", "run", "node"],
  index: ["core", "memory", "kernels", "ndarray", "ops", "autograd"],
  cli: [
    "core",
    "world",
    "codes",
    "memory",
    "kernels",
    "ndarray",
    "ops",
    "nn",
    "quant",
    "optim",
    "models",
    "io",
    "sound",
    "data",
    "theory",
    "train",
    "infer",
    "export",
    "onnx",
    "run",
    "node",
    "sweep",
    "index",
  ],
};
/** Lines of code: without comments and empty ones. */
const MAX_LINES = 300;
/** Libraries by the only file that may import them: the build puts them inside it, as it does for the command line. */
const LIBRARIES: Readonly<Record<string, string>> = {
  "core/sha256-library.ts": "@noble/hashes/sha2.js",
  "data/csv/library.ts": "papaparse",
  "onnx/wire.ts": "@bufbuild/protobuf/wire",
  "node/images/jpeg-library.ts": "jpeg-js",
};
/**
 * Optional peer dependencies by the only file that imports them, and late: who does not ask for them never loads them.
 * Types of the library's own rooms do not name them either; those of `sweep` are not published.
 */
const PEERS: Readonly<Record<string, readonly string[]>> = {
  "node/world/mpi-koffi.ts": ["koffi"],
  "sweep/queue/library.ts": ["bullmq", "ioredis"],
};
/** Files outside node/ and cli/ that work with folders and packages: what a plan says is read without Node. */
const WITH_NODE = ["sweep/folder.ts", "sweep/perform.ts", "sweep/resolve.ts", "sweep/queue/library.ts"];
// ECMAScript leaves the last bits of these to the engine. `**` is Math.pow; powers of a literal 2 are exact everywhere.
const INEXACT = /\bMath\.(?:a?(?:cos|sin|tan)h?|atan2|exp|expm1|log|log1p|log2|log10|pow|cbrt|hypot|random)\b/g;
const POWER = /(?<!(?<![\w.])2)(?<![\s*])\s*\*\*=?/g;
/**
 * Addresses are for those who call kernels: the rooms of arrays and of the runtime, what lies below, and what times
 * kernels by themselves.
 */
const ADDRESSES = ["memory/", "kernels/", "ndarray/", "infer/", "cli/bench/"];
const ADDRESS = /\.ptr\b|[{,]\s*ptr\b(?!\s*:)/g;

/** Where values are told apart by what they are; there alone `instanceof` of built-in classes is a first look. */
const REALMS = ["core/typed-arrays.ts", "core/containers.ts"];
const BUILT_IN =
  /\binstance(?:of |Of\()((?:(?:Big)?(?:Ui|I)nt|Float)\d+(?:Clamped)?Array|(?:Shared)?ArrayBuffer|DataView|Map|Set|Date|Promise|Object|Array|Function|AbortSignal|(?:Type|Range|Syntax)?Error|WebAssembly\.\w+)\b/g;

type Files = ReadonlyMap<string, string>;

const roomOf = (file: string): string => (file.includes("/") ? file.slice(0, file.indexOf("/")) : "index");

/** The text with comments blanked and, on request, strings too; line breaks stay. */
function code(text: string, keepStrings: boolean): string {
  const token = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;
  return text.replace(token, (match) => (match[0] !== "/" && keepStrings ? match : match.replace(/[^\n]/g, " ")));
}

function importsOf(text: string): string[] {
  const statement = /^\s*(?:import|export)\b[^"'`;()]*?\bfrom\s*["']([^"']+)["']|\bimport\s*\(?\s*["']([^"']+)["']/gm;
  return [...code(text, true).matchAll(statement)].map((match) => match[1] ?? match[2]);
}

/** Whether a file imports a package as it loads, or names it in types that are published. */
function isEager(file: string, text: string, specifier: string): boolean {
  const types = roomOf(file) === "sweep" ? "(?!\\s+type\\b)" : "";
  const statement = new RegExp(`^\\s*(?:import|export)\\b${types}[^"'\`;()]*?(?:\\bfrom\\s*)?["']([^"']+)["']`, "gm");
  return [...code(text, true).matchAll(statement)].some((match) => match[1] === specifier);
}

/** The source file that a relative import means. */
function target(from: string, specifier: string): string {
  return path.posix.join(path.posix.dirname(from), specifier.replace(/\?.*$/, "").replace(/\.js$/, ".ts"));
}

/** Every offence against the import rules in a tree of files (paths within src → text). */
function importOffences(files: Files): string[] {
  const offences: string[] = [];
  for (const [file, text] of files) {
    const room = roomOf(file);
    const allowed = MAY_IMPORT[room];
    if (allowed === undefined) offences.push(`${file}: room "${room}" is not in the plan`);
    for (const specifier of importsOf(text)) {
      const says = `${file} imports ${specifier}`;
      if (!specifier.startsWith(".")) {
        const builtin = specifier.startsWith("node:");
        if (Object.values(PEERS).flat().includes(specifier)) {
          if (!PEERS[file]?.includes(specifier)) offences.push(`${says}: only its own file in PEERS may`);
          else if (isEager(file, text, specifier))
            offences.push(`${says}: a package that may be missing is imported late`);
          continue;
        }
        const withNode = room === "node" || WITH_NODE.includes(file);
        if (room !== "cli" && !(builtin && withNode) && LIBRARIES[file] !== specifier) {
          offences.push(
            `${says}: ${builtin ? "only node/, cli/ and WITH_NODE import Node's modules" : "the library has no dependencies"}`,
          );
        }
        continue;
      }
      if (!/\.js$|\.css$|\?script$/.test(specifier)) offences.push(`${says}: imports end in .js`);
      const other = roomOf(target(file, specifier));
      if (other !== room && !allowed?.includes(other)) {
        offences.push(`${says}: ${room} may import ${allowed?.join(", ") || "nothing"}`);
      }
    }
  }
  return offences;
}

/** Each import cycle once, as the list of files that it runs through. */
function cycles(files: Files): string[] {
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): void => {
    if (trail.includes(file)) circles.push([...trail.slice(trail.indexOf(file)), file].join(" → "));
    if (trail.includes(file) || done.has(file) || !files.has(file)) return;
    for (const specifier of importsOf(files.get(file)!)) {
      if (specifier.startsWith(".")) visit(target(file, specifier), [...trail, file]);
    }
    done.add(file);
  };
  for (const file of files.keys()) visit(file, []);
  return circles;
}

function shapeOffences(files: Files): string[] {
  return [...files].flatMap(([file, text]) => {
    const lines = code(text, true)
      .split("\n")
      .filter((line) => line.trim() !== "").length;
    return [
      ...(/^(?:#![^\n]*\n)?\/\*\*\s+(?:\*\s+)?@file\s+\S/.test(text)
        ? []
        : [`${file}: does not begin with /** @file … */`]),
      ...(lines > MAX_LINES && !file.endsWith(".generated.ts")
        ? [`${file}: ${lines} lines of code; at most ${MAX_LINES}`]
        : []),
    ];
  });
}

/**
 * Uses of arithmetic whose last bits depend on the engine. The command line only prints with it, but draws nothing at
 * random.
 */
function arithmeticOffences(files: Files): string[] {
  return [...files].flatMap(([file, text]) =>
    code(text, false)
      .split("\n")
      .flatMap((line, i) => {
        const powers = roomOf(file) === "cli" ? [] : [...line.matchAll(POWER)];
        const calls = [...line.matchAll(INEXACT)].filter(([name]) => roomOf(file) !== "cli" || name === "Math.random");
        return [...calls, ...powers].map(
          ([name]) => `${file}:${i + 1}: ${name.trim()}; use core/math.ts or core/rng.ts`,
        );
      }),
  );
}

/** Uses of an array's address where arrays are worked with by functions. */
function addressOffences(files: Files): string[] {
  return [...files].flatMap(([file, text]) =>
    ADDRESSES.some((place) => file.startsWith(place))
      ? []
      : [...code(text, false).matchAll(ADDRESS)].map(({ index }) => {
          const line = text.slice(0, index).split("\n").length;
          return `${file}:${line}: an array's address; a function of ndarray/ gives what it is for`;
        }),
  );
}

/** Tests for a built-in class: they fail for values of another realm. The command line is its process's only realm. */
function realmOffences(files: Files): string[] {
  return [...files].flatMap(([file, text]) =>
    roomOf(file) === "cli" || REALMS.includes(file)
      ? []
      : [...code(text, false).matchAll(BUILT_IN)].map(
          ([name, type]) =>
            `${file}: ${name}; ${type} of another realm: core/typed-arrays.ts, containers.ts, foreign-errors.ts`,
        ),
  );
}

const RULES = {
  "rooms import only what the plan allows": importOffences,
  "no files import each other in a circle": cycles,
  [`files have a header and at most ${MAX_LINES} lines of code`]: shapeOffences,
  "arithmetic is the same on every engine": arithmeticOffences,
  "kernels are called where arrays are made": addressOffences,
  "built-in kinds are told apart in any realm": realmOffences,
};

const src = path.join(import.meta.dirname, "..", "src");
const sources: Files = new Map(
  readdirSync(src, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => [name.replaceAll(path.sep, "/"), readFileSync(path.join(src, name), "utf8")]),
);

describe("architecture", () => {
  it.each(Object.entries(RULES))("%s", (_, offences) => {
    expect(sources.size).toBeGreaterThan(0);
    expect(offences(sources)).toEqual([]);
  });
});

it("the plan is as strict as the sources: no arrow that none of them needs, and none upwards", () => {
  const used = new Map<string, Set<string>>(Object.keys(MAY_IMPORT).map((room) => [room, new Set()]));
  for (const [file, text] of sources) {
    const room = roomOf(file);
    for (const specifier of importsOf(text)) {
      if (!specifier.startsWith(".") || specifier.endsWith(".css")) continue;
      const other = roomOf(target(file, specifier));
      if (other !== room) used.get(room)?.add(other);
    }
  }
  const order = Object.keys(MAY_IMPORT);
  for (const [room, allowed] of Object.entries(MAY_IMPORT)) {
    expect([...allowed].sort(), room).toEqual([...(used.get(room) ?? [])].sort());
    expect(
      allowed.filter((other) => order.indexOf(other) >= order.indexOf(room)),
      room,
    ).toEqual([]);
  }
});

it("so are the lists of files that may more than their rooms", () => {
  const importing = (is: (specifier: string) => boolean, file: string) => importsOf(sources.get(file) ?? "").some(is);
  expect(WITH_NODE.filter((file) => !importing((specifier) => specifier.startsWith("node:"), file))).toEqual([]);
  for (const [file, packages] of Object.entries(PEERS)) {
    // One hides its name from bundlers: a text, not an import.
    const text = code(sources.get(file) ?? "", true);
    expect(packages.filter((name) => !text.includes(`"${name}"`))).toEqual([]);
  }
  for (const [file, name] of Object.entries(LIBRARIES))
    expect(importing((specifier) => specifier === name, file)).toBe(true);
});

describe("the rules see", () => {
  const tree = (files: Record<string, string>): Files => new Map(Object.entries(files));
  const bad = tree({
    "core/a.ts": 'import type { T } from "../nn/b.js";\n',
    "nn/b.ts": 'import { readFile } from "node:fs";\nimport x from "lodash";\nexport * from "../ops/c";\n',
    "infer/d.ts": 'const late = await import("../autograd/e.js");\nimport {\n  a,\n  b,\n} from "../format/f.js";\n',
    "onnx/h.ts": 'import { BinaryReader } from "@bufbuild/protobuf/wire";\n',
    "node/world/mpi-koffi.ts": 'import type { Koffi } from "koffi";\n',
    "attic/g.ts": "",
    "cli/q.ts": 'const late = await import("bullmq");\n',
    "sweep/queue/library.ts": 'import type * as B from "bullmq";\nimport { Redis } from "ioredis";\n',
    "index.ts": 'export { run } from "./cli/main.js";\n',
  });

  it.each([
    ["a room to the right, types included", "core/a.ts imports ../nn/b.js: core may import nothing"],
    [
      "Node's modules outside node and cli",
      "nn/b.ts imports node:fs: only node/, cli/ and WITH_NODE import Node's modules",
    ],
    ["dependencies", "nn/b.ts imports lodash: the library has no dependencies"],
    [
      "a bundled library outside its file",
      "onnx/h.ts imports @bufbuild/protobuf/wire: the library has no dependencies",
    ],
    ["optional packages elsewhere", "cli/q.ts imports bullmq: only its own file in PEERS may"],
    [
      "optional packages that are needed at once",
      "sweep/queue/library.ts imports ioredis: a package that may be missing is imported late",
    ],
    [
      "optional packages in published types",
      "node/world/mpi-koffi.ts imports koffi: a package that may be missing is imported late",
    ],
    ["missing extensions", "nn/b.ts imports ../ops/c: imports end in .js"],
    ["late imports", "infer/d.ts imports ../autograd/e.js: infer may import core, codes, memory, kernels, format"],
    ["unplanned rooms", 'attic/g.ts: room "attic" is not in the plan'],
    [
      "the entry importing the command line",
      `index.ts imports ./cli/main.js: index may import ${MAY_IMPORT.index.join(", ")}`,
    ],
  ])("%s", (_, offence) => {
    expect(importOffences(bad)).toContain(offence);
  });

  it("nothing in what is allowed", () => {
    const good = tree({
      "core/a.ts": '/** @file A. */\n// import x from "../nn/b.js"\nexport const s = "Math.exp 3 ** 2";\n',
      "nn/b.ts":
        '/**\n * @file B.\n */\nimport { s } from "../core/a.js";\nexport const t = s + 2 ** -24 * 2 ** 3; // Math.exp\n',
      "cli/main.ts":
        '#!/usr/bin/env node\n/** @file C. */\nimport fs from "node:fs";\nimport { t } from "../nn/b.js";\nMath.log10(3 ** 2);\n',
    });
    expect(importOffences(good)).toHaveLength(0);
    expect(Object.values(RULES).flatMap((offences) => offences(good))).toEqual([]);
  });

  it("circles, each once", () => {
    const circle = tree({
      "ops/a.ts": 'import "./b.js";',
      "ops/b.ts": 'export * from "./c.js";',
      "ops/c.ts": 'import type { A } from "./a.js";',
    });
    expect(cycles(circle)).toEqual(["ops/a.ts → ops/b.ts → ops/c.ts → ops/a.ts"]);
  });

  it("long files and missing headers", () => {
    const long = `/** @file L. */\n${"x; // y\n\n// z\n".repeat(MAX_LINES + 1)}`;
    expect(shapeOffences(tree({ "ops/l.ts": long, "ops/l.generated.ts": long, "ops/m.ts": "// @file\n" }))).toEqual([
      `ops/l.ts: ${MAX_LINES + 1} lines of code; at most ${MAX_LINES}`,
      "ops/m.ts: does not begin with /** @file … */",
    ]);
  });

  it("addresses outside the rooms of kernels", () => {
    const text = "kernels.f32_relu(x.ptr, y.ptr);\nconst { dtype, ptr, size } = x; // z.ptr\nf({ ptr: 1 }, x.ptrs);\n";
    const offences = addressOffences(tree({ "ops/a.ts": text, "ndarray/b.ts": text, "cli/bench/c.ts": text }));
    expect(offences.map((line) => line.split(";")[0])).toEqual([
      "ops/a.ts:1: an array's address",
      "ops/a.ts:1: an array's address",
      "ops/a.ts:2: an array's address",
    ]);
  });

  it("tests for classes of this realm", () => {
    const text =
      "x instanceof Float32Array; y instanceof Module; // z instanceof Map\ninstanceOf(AbortSignal, n) || e instanceof RangeError;";
    const offences = realmOffences(tree({ "nn/a.ts": text, "core/containers.ts": text, "cli/b.ts": text }));
    expect(offences.map((line) => line.split(";")[0])).toEqual([
      "nn/a.ts: instanceof Float32Array",
      "nn/a.ts: instanceOf(AbortSignal",
      "nn/a.ts: instanceof RangeError",
    ]);
  });

  it("inexact arithmetic", () => {
    const text =
      "Math.exp(1) + Math.tanh(x);\ny = x ** 2 + 12 ** 3 + a[0] ** b;\nz **= 2 ** 4;\nMath.sqrt(Math.floor(2)); /* Math.sin */";
    expect(arithmeticOffences(tree({ "core/math.ts": text })).map((line) => line.split(";")[0])).toEqual([
      "core/math.ts:1: Math.exp",
      "core/math.ts:1: Math.tanh",
      "core/math.ts:2: **",
      "core/math.ts:2: **",
      "core/math.ts:2: **",
      "core/math.ts:3: **=",
    ]);
    expect(arithmeticOffences(tree({ "cli/a.ts": "Math.random(); Math.exp(1);" }))).toHaveLength(1);
  });
});
