/**
 * @file What people and their tools read of the installed package: source maps with the sources in them, declarations
 * without bytes, pages whose links lead somewhere.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { SourceMap } from "node:module";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../../scripts/run.mjs";
import { type Consumer, installPackage } from "./installed.js";

/** Bytes of the packed package: its code, sources for debuggers, declarations, documentation. */
const TARBALL_LIMIT = 3_300_000;

let consumer: Consumer;
let dist: string;
let names: string[];
beforeAll(() => {
  consumer = installPackage();
  dist = path.join(consumer.installed, "dist");
  names = readdirSync(dist, { recursive: true, encoding: "utf8" });
});
afterAll(() => consumer?.remove());

const read = (name: string): string => readFileSync(path.join(dist, name), "utf8");

describe("source maps", () => {
  it("stand beside every file of the library and hold its sources as they are", () => {
    const modules = names.filter((name) => name.endsWith(".js") && path.dirname(name) !== "cli");
    expect(modules.length).toBeGreaterThan(20);
    const seen = new Set<string>();
    for (const name of modules) {
      expect(read(name).trimEnd().split("\n").at(-1)).toBe(`//# sourceMappingURL=${path.basename(name)}.map`);
      const map = JSON.parse(read(`${name}.map`)) as { sources: string[]; sourcesContent: (string | null)[] };
      for (const [i, source] of map.sources.entries()) {
        const file = path.resolve(root, "dist", path.dirname(name), source);
        const inside = path.relative(root, file).replaceAll(path.sep, "/");
        expect(inside).toMatch(/^(?:src|node_modules\/[\w@/-]+)\//);
        seen.add(inside);
        if (inside.endsWith(".generated.ts")) expect(map.sourcesContent[i]?.length).toBeLessThan(200);
        else expect(map.sourcesContent[i] === readFileSync(file, "utf8"), inside).toBe(true);
      }
    }
    for (const file of ["src/nn/module.ts", "src/infer/packed-session.ts", "src/train/fit.ts", "src/kernels/wasm.ts"]) {
      expect(seen).toContain(file);
    }
  });

  it("lead from a built line to the line that was written", () => {
    const found = names.flatMap((name) => {
      if (!/\.js$/.test(name) || path.dirname(name) === "cli") return [];
      const line = read(name)
        .split("\n")
        .findIndex((text) => text.startsWith("function createSession("));
      return line < 0 ? [] : [{ name, line }];
    });
    expect(found).toHaveLength(1);
    const [{ name, line }] = found;
    const entry = new SourceMap(JSON.parse(read(`${name}.map`))).findEntry(line, 0) as {
      originalSource: string;
      originalLine: number;
    };
    expect(entry.originalSource).toContain("src/infer/create-session.ts");
    const source = readFileSync(path.join(root, "src", "infer", "create-session.ts"), "utf8").split("\n");
    expect(source[entry.originalLine]).toContain("export function createSession(");
  });

  it("are read by Node: a stack names the source", () => {
    const script = 'import { createSession } from "coarsegrad/infer"; createSession(Uint8Array.of(1));';
    const options = { cwd: consumer.folder, encoding: "utf8" } as const;
    const { stderr } = spawnSync(
      process.execPath,
      ["--enable-source-maps", "--input-type=module", "-e", script],
      options,
    );
    expect(stderr).toMatch(/src[\\/]infer[\\/]create-session\.ts:\d+:\d+/);
    expect(stderr).toContain("FormatError");
  });
});

describe("declarations", () => {
  it("hold no bytes: no line is longer than people read", () => {
    const long = names
      .filter((name) => name.endsWith(".d.ts"))
      .map(
        (name) =>
          [
            name,
            Math.max(
              ...read(name)
                .split("\n")
                .map(({ length }) => length),
            ),
          ] as const,
      )
      .filter(([, length]) => length > 2000);
    expect(long).toEqual([]);
  });
});

describe("texts that several entries need", () => {
  it("are in one file: the command line takes the packed runtime from the library beside it", () => {
    const holders = names.filter((name) => name.endsWith(".js") && read(name).includes("var coarsegrad=(()=>"));
    expect(holders).toEqual([path.join("export", "runtime.generated.js")]);
  });
});

describe("pages", () => {
  it("come with the package, and their links lead to files that do", () => {
    const pages = consumer.files.filter((name) => name.endsWith(".md"));
    expect(pages).toEqual(
      expect.arrayContaining(["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "FEATURES.md", "docs/contributing.md"]),
    );
    const links = pages.flatMap((page) =>
      [...readFileSync(path.join(consumer.installed, page), "utf8").matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(
        ([, link]) => [page, link],
      ),
    );
    expect(links.length).toBeGreaterThan(30);
    const dead = links.filter(
      ([page, link]) => !existsSync(path.join(consumer.installed, path.posix.dirname(page), link)),
    );
    expect(dead).toEqual([]);
  });

  it("name the packed file as npm does", () => {
    const readme = readFileSync(path.join(consumer.installed, "README.md"), "utf8");
    expect(readme).toContain(`npm install ../coarsegrad/${path.basename(consumer.tarball)} `);
  });

  it("do not make it heavy", () => {
    expect(statSync(consumer.tarball).size).toBeLessThan(TARBALL_LIMIT);
  });
});
