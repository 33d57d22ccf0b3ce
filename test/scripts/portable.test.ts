/**
 * @file Build, start and tests run on every system that Node runs on: what only Linux has stands in none of their files
 * but where it is asked for first, names of files are ones that every system takes, and git gives lines the same ends.
 */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { commandFile, npm, root, tool } from "../../scripts/run.mjs";

/** What only Linux, or no Windows, has: in code, comments left out. */
const RULES: Readonly<Record<string, RegExp>> = {
  "a command that is no program of its own on Windows; run its JavaScript file with process.execPath":
    /\b(?:spawn|spawnSync|exec|execSync|execFile|execFileSync|expectSuccess)\(\s*["'`](?!node:)[^"'`]+["'`]/,
  "a command of scripts/ that is none on Windows; npm(), tool() and runTool() give its JavaScript file":
    /(?<!\.)\brun\(\s*["'`]/,
  "a link that is a shell script on Windows; tool() gives the file behind it": /["'/]\.bin\b/,
  "a shell": /\bshell: (?:true|")|["'](?:ba)?sh["']/,
  "a folder of Linux; os.tmpdir() and existsSync() know the system's":
    /["'`](?:> ?)?\/(?:tmp|proc|dev|sys|usr|bin|etc|var)\b/,
  "a path that is wrong on Windows; fileURLToPath() gives it": /import\.meta\.url\)\.pathname/,
  "a signal that Windows does not have": /\bkill\([^)]*["']SIG(?!KILL|TERM|INT)/,
  "a kind of link that needs rights on Windows; a junction does not": /\bsymlinkSync\((?![^;]*"junction")/,
};

/** Where such a thing is looked for, or stands beside what other systems have. */
const ASKED: Readonly<Record<string, string>> = {
  "scripts/hosts.mjs": "makes hosts of Linux's network namespaces, and says where there are none",
  "scripts/bench-ranks.mjs": "measures ranks over Linux's networks, with the MPI that is there",
  "test/world/elastic.test.ts": "finds ranks where the system lists processes",
  "test/world/mpi-rank.ts": "stops itself, in tests that are skipped where no MPI for Linux is",
  "scripts/prepare.mjs": "writes a command file on Windows",
  "test/sweep/local.test.ts": "runs the script for a cluster by bash, in a test that Windows skips",
  "test/sweep/redis.ts": "starts Redis, in tests that are skipped where there is none",
  "test/handles.ts": "watches open files where the system lists them",
  "test/temporary-root.ts": "takes memory as a folder where there is one",
  "test/site/webkit.ts": "finds and starts the WebKit of Linux, in tests that are skipped where it is not",
  "test/site/guide-snippets.test.ts": "names the language of blocks of commands, which it runs without a shell",
  "test/chromium.ts": "knows where each system keeps its browsers",
  "test/tools.test.ts": "tries that",
  "test/scripts/portable.test.ts": "is this list",
};

/** Comments blanked; line breaks stay. Strings stay, for their contents are what is looked at. */
function code(text: string): string {
  const token = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|\/\*[\s\S]*?\*\/|(?<![:"'`\\])\/\/[^\n]*/g;
  return text.replace(token, (match) => (match[0] === "/" ? match.replace(/[^\n]/g, " ") : match));
}

/** True if a line stands in a test, or a group of tests, that is skipped somewhere. */
function isGuarded(lines: readonly string[], at: number): boolean {
  const indent = (line: string): number => line.search(/\S/);
  for (let i = at, least = indent(lines[at]) + 1; i >= 0; i--) {
    if (indent(lines[i]) < 0 || indent(lines[i]) >= least) continue;
    least = indent(lines[i]);
    if (/\bskipIf\(|process\.platform/.test(lines[i])) return true;
  }
  return false;
}

/** What a file says that only some systems have. */
function offences(file: string, text: string): string[] {
  if (ASKED[file] !== undefined) return [];
  const scripts = file.startsWith("scripts/");
  const lines = code(text).split("\n");
  return lines.flatMap((line, at) =>
    Object.entries(RULES).flatMap(([what, rule]) =>
      rule.test(line) && (scripts || !what.includes("of scripts/")) && !isGuarded(lines, at)
        ? [`${file}:${at + 1}: ${what}: ${line.trim().slice(0, 80)}`]
        : [],
    ),
  );
}

const FOLDERS = ["assembly", "bench", "docs", "examples", "experiments", "scripts", "src", "test"];
const all = FOLDERS.flatMap((folder) =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => !/(?:^|[\\/])(?:node_modules|build)[\\/]/.test(name))
    .map((name) => `${folder}/${name.replaceAll(path.sep, "/")}`),
);

describe("what builds, starts and tests", () => {
  const files = [...all.filter((file) => /^(?:scripts|test)\/.*\.m?[jt]s$/.test(file)), "vitest.config.ts"];
  it("uses nothing that only Linux has", () => {
    expect(files.length).toBeGreaterThan(200);
    expect(files.flatMap((file) => offences(file, readFileSync(path.join(root, file), "utf8")))).toEqual([]);
  });
  it("is started by Node alone", () => {
    const { scripts } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
    expect(
      Object.values(scripts).filter((script) => !/^node scripts\/[\w-]+\.mjs(?: --[\w-]+)*$/.test(script as string)),
    ).toEqual([]);
  });
  it("finds the JavaScript behind the commands that it runs", () => {
    for (const name of ["tsc", "biome", "vitest", "publint", "attw"]) {
      expect(readFileSync(tool(name), "utf8"), name).toMatch(/^#!\/usr\/bin\/env node|^import /);
    }
    expect(path.basename(npm())).toBe("npm-cli.js");
    expect(path.relative(root, commandFile(root, "coarsegrad"))).toBe(path.join("dist", "cli", "main.js"));
  });
});

describe("names of files", () => {
  it("are ones that every system takes, and differ by more than case", () => {
    const forbidden = /[<>:"\\|?*]|[ .]$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;
    expect(all.filter((file) => file.split("/").some((part) => forbidden.test(part)))).toEqual([]);
    expect(new Set(all.map((file) => file.toLowerCase())).size).toBe(all.length);
    expect(all.filter((file) => file.length > 120)).toEqual([]);
  });
});

describe("ends of lines", () => {
  const attributes = readFileSync(path.join(root, ".gitattributes"), "utf8").split("\n");
  it("are the same everywhere, and kinds that are no text are marked", () => {
    expect(attributes[0]).toBe("* text=auto eol=lf");
    const binary = new Set(
      all.flatMap((file) => {
        const ending = path.posix.extname(file);
        return ending !== "" && readFileSync(path.join(root, file)).subarray(0, 8000).includes(0) ? [ending] : [];
      }),
    );
    expect(binary).toContain(".cgm");
    expect([...binary].filter((ending) => !attributes.includes(`*${ending} binary`))).toEqual([]);
  });
  it("are \\n in every text", () => {
    const texts = all.filter((file) => /\.(?:m?[jt]s|json|md|css|svg|py|sh)$/.test(file));
    expect(texts.filter((file) => readFileSync(path.join(root, file)).includes("\r\n"))).toEqual([]);
  });
});

describe("the rules see", () => {
  it.each([
    ['run("npm", ["install"])', 1],
    ['spawnSync("bash", ["-c", "ls"])', 2],
    ['path.join("node_modules", ".bin", "tsc")', 1],
    ['mkdirSync("/tmp/x")', 1],
    ["new URL('.', import.meta.url).pathname", 1],
    ['process.kill(pid, "SIGUSR1")', 1],
    ['symlinkSync(a, b, "dir")', 1],
    ['spawn(process.execPath, ["x"]); child.kill("SIGTERM"); // "/tmp"', 0],
    ['it.skipIf(process.platform === "win32")("x", () => {\n  execFileSync("mkfifo", [pipe]);\n});', 0],
    ['it("x", () => {\n  execFileSync("mkfifo", [pipe]);\n});', 1],
    ['it.skipIf(windows)("x", () => {});\nit("y", () => {\n  execFileSync("mkfifo", [pipe]);\n});', 1],
  ])("%s", (text, count) => {
    expect(offences("scripts/a.mjs", text)).toHaveLength(count);
  });
});
