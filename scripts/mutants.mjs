/**
 * @file `npm run test:mutants -- --seed N --count M`: does a test fall when the source is wrong? Changes one place of
 * `src/` at a time in a copy of the tree, runs the tests that can see it, and prints a line for each mutant and the
 * share that was caught. Takes about half a minute a mutant.
 */
import { spawn } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { root } from "./run.mjs";

const HELP = `npm run test:mutants -- [options]

  --seed N       which mutants are drawn (default 1); the same seed draws the same from the same source
  --count M      how many (default 20)
  --only TEXT    from files whose path holds TEXT alone
  --out FILE     append each result as a JSON line
  --list         print the mutants and run nothing`;

/** A deterministic stream of numbers in [0, 1): mulberry32. */
function stream(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function files(folder, prefix = "") {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const name = path.posix.join(prefix, entry.name);
    if (entry.isDirectory()) return files(path.join(folder, entry.name), name);
    // Types have no behaviour, generated files are bytes, and pages of the report run in a browser alone.
    return /\.ts$/.test(name) && !/\.generated\.ts$|\.d\.ts$|\/client\/|^cli\/main/.test(name) ? [name] : [];
  });
}

/** The source with comments, strings, regular expressions and type-only lines blanked, at the same positions. */
export function blanked(text) {
  const token =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|(?<=[(,=:[!&|?{};\n]\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/g;
  const plain = text.replace(token, (piece) => piece.replace(/[^\n]/g, " "));
  return plain.replace(/^\s*(?:import|export \*|export \{|export type|type|interface|declare)\b[^\n]*$/gm, (line) =>
    " ".repeat(line.length),
  );
}

/** Ways to be wrong: what to look for in blanked code, and what to put there. */
const OPERATORS = [
  {
    name: "boundary",
    find: / (<=?|>=?) (?!\/)/g,
    put: (m) => ` ${{ "<": "<=", "<=": "<", ">": ">=", ">=": ">" }[m[1]]} `,
    code: true,
  },
  { name: "negation", find: / (===|!==) /g, put: (m) => ` ${m[1] === "===" ? "!==" : "==="} ` },
  { name: "logic", find: / (&&|\|\|) /g, put: (m) => ` ${m[1] === "&&" ? "||" : "&&"} ` },
  {
    name: "arithmetic",
    find: / ([+\-*/]) (?=[\w(])/g,
    put: (m) => ` ${{ "+": "-", "-": "+", "*": "/", "/": "*" }[m[1]]} `,
  },
  { name: "constant", find: /(?<![\w.])(\d+)(?![\w.])/g, put: (m) => String(Number(m[1]) + 1) },
  { name: "truth", find: /(?<=[=(,:?] |return |\()(true|false)\b/g, put: (m) => (m[1] === "true" ? "false" : "true") },
  {
    name: "check removed",
    find: /^( *)if \((.+)\) (?:throw |refuse)/gm,
    put: (m) => m[0].replace(m[2], `false && (${m[2]})`),
  },
  { name: "condition", find: /\bif \(([^()]+)\)/g, put: (m) => `if (!(${m[1]}))` },
  {
    name: "call removed",
    find: /^( +)((?:this\.|await )?[#\w.]+\([^;\n]*\);)$/gm,
    put: (m) => `${m[1]}${" ".repeat(m[2].length)}`,
  },
  { name: "arguments swapped", find: /\b(\w+)\((\w+), (\w+)\)/g, put: (m) => `${m[1]}(${m[3]}, ${m[2]})` },
  { name: "default", find: /\?\? (?=[\w[{(])/g, put: () => "&& " },
];

/** Places where an operator can act, in the order of the text. */
export function placesOf(text) {
  const code = blanked(text);
  return OPERATORS.flatMap(({ name, find, put }) =>
    [...code.matchAll(find)].flatMap((match) => {
      const real = Object.assign(
        [...match].map((part) => part),
        { index: match.index },
      );
      real[0] = text.slice(match.index, match.index + match[0].length);
      // A generic's brackets are no comparison; a signature is no call; strings inside a match were blanked.
      const line = code.slice(code.lastIndexOf("\n", match.index) + 1, code.indexOf("\n", match.index));
      if (
        /^\s*(?:export |async |static |override |private |protected )*(?:function|constructor|get |set |class|abstract)\b/.test(
          line,
        ) &&
        name !== "boundary"
      )
        return [];
      const replacement = put(real);
      return replacement === real[0]
        ? []
        : [{ operator: name, index: match.index, length: match[0].length, replacement }];
    }),
  );
}

function draw(seed, count, only) {
  const random = stream(seed);
  const list = files(path.join(root, "src"))
    .filter((name) => name.includes(only))
    .sort();
  // By kind first: every text is full of constants, and removed checks say more.
  const kinds = new Map();
  for (const file of list) {
    for (const place of placesOf(readFileSync(path.join(root, "src", file), "utf8"))) {
      if (!kinds.has(place.operator)) kinds.set(place.operator, []);
      kinds.get(place.operator).push({ file, ...place });
    }
  }
  const names = [...kinds.keys()].sort();
  const total = [...kinds.values()].reduce((sum, places) => sum + places.length, 0);
  const drawn = new Map();
  while (drawn.size < Math.min(count, total)) {
    const places = kinds.get(names[Math.floor(random() * names.length)]);
    const place = places[Math.floor(random() * places.length)];
    drawn.set(`${place.file} ${place.index} ${place.operator}`, place);
  }
  return [...drawn.values()];
}

function run(cwd, args, seconds) {
  return new Promise((resolve) => {
    const env = { ...process.env, CI: "", COARSEGRAD_SEED: "1", NO_COLOR: "1" };
    const child = spawn(process.execPath, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const pipe of [child.stdout, child.stderr])
      pipe.on("data", (text) => (output = (output + text).slice(-20_000)));
    const timer = setTimeout(() => child.kill("SIGKILL"), seconds * 1000);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ code: signal === null ? code : "timeout", output });
    });
  });
}

/** Tests that see a file: those of its room first, then all that import it or run the bundle. */
async function caughtBy(copy, file) {
  const vitest = path.join("node_modules", "vitest", "vitest.mjs");
  const types = await run(copy, [path.join("node_modules", "typescript", "bin", "tsc"), "-p", "tsconfig.json"], 120);
  if (types.code !== 0) return "types";
  const room = file.split("/")[0];
  const own = path.join("test", file.replace(/\.ts$/, ".test.ts"));
  const stages = [
    ...(existsSync(path.join(copy, own)) ? [["run", own]] : []),
    ...(existsSync(path.join(copy, "test", room)) ? [["run", `test/${room}/`]] : []),
    ["related", `src/${file}`, "--run"],
    // Child processes and bundles import nothing that a graph of imports shows.
    ["run", "test/cli", "test/determinism", "test/experiments", "test/docs", "test/export/to-module.test.ts"],
  ];
  for (const stage of stages) {
    const { code, output } = await run(copy, [vitest, ...stage, "--bail=1", "--reporter=dot"], 1800);
    if (code !== 0) return /FAIL +(\S+)/.exec(output)?.[1] ?? (code === "timeout" ? "timeout" : "failure");
  }
  return null;
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: "1" },
      count: { type: "string", default: "20" },
      only: { type: "string", default: "" },
      out: { type: "string" },
      list: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  const [seed, count] = [Number(values.seed), Number(values.count)];
  if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(count) || count < 1) {
    console.error(`mutants: bad --seed or --count; expected integers, got ${values.seed} and ${values.count}`);
    process.exit(1);
  }
  const mutants = draw(seed, count, values.only);
  const copy = values.list ? "" : mkdtempSync(path.join(tmpdir(), "coarsegrad-mutants-"));
  if (copy !== "") {
    for (const name of readdirSync(root)) {
      if (["node_modules", ".git", "runs"].includes(name)) continue;
      cpSync(path.join(root, name), path.join(copy, name), {
        recursive: true,
        filter: (from) => statSync(from).size < 2 ** 26,
      });
    }
    symlinkSync(path.join(root, "node_modules"), path.join(copy, "node_modules"), "junction");
  }
  let caught = 0;
  try {
    for (const [i, { file, operator, index, length, replacement }] of mutants.entries()) {
      const source = readFileSync(path.join(root, "src", file), "utf8");
      const line = source.slice(0, index).split("\n").length;
      const mutated = source.slice(0, index) + replacement + source.slice(index + length);
      const after = mutated.split("\n")[line - 1].trim();
      const label = `${String(i + 1).padStart(3)} src/${file}:${line} ${operator}: ${after}`;
      if (values.list) {
        console.log(label);
        continue;
      }
      const target = path.join(copy, "src", file);
      writeFileSync(target, mutated);
      const by = await caughtBy(copy, file);
      writeFileSync(target, source);
      if (by !== null) caught++;
      console.log(`${by === null ? "SURVIVED" : "caught  "} ${label}${by === null ? "" : ` [${by}]`}`);
      if (values.out !== undefined)
        appendFileSync(values.out, `${JSON.stringify({ seed, file, line, operator, after, caught: by })}\n`);
    }
    if (!values.list) console.log(`seed ${seed}: ${caught} of ${mutants.length} mutants caught`);
  } finally {
    if (copy !== "") rmSync(copy, { recursive: true, force: true });
  }
}
