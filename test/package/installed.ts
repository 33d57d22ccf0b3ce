/** @file The package as its users get it: packed, and installed from the tarball into an empty folder. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { buildIsStale, npm as npmFile, root } from "../../scripts/run.mjs";

/** A project outside the tree that has the package as its only dependency. */
export interface Consumer {
  /** The project's folder; holds a copy of test/package/consumer. */
  folder: string;
  /** The packed package. */
  tarball: string;
  /** Names of the files in it. */
  files: readonly string[];
  /** The package inside node_modules. */
  installed: string;
  /** Its package.json. */
  manifest: {
    engines?: { node: string };
    exports: Record<string, string | { types: string; default: string }>;
    bin: Record<string, string>;
    dependencies?: Record<string, string>;
  };
  remove(): void;
}

const npm = (args: readonly string[], cwd: string): string =>
  execFileSync(process.execPath, [npmFile(), ...args, "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });

/**
 * Packs the build and installs it, without the network.
 *
 * @throws Error if dist is missing or older than the sources: packing it would test something else
 */
export function installPackage(): Consumer {
  if (buildIsStale()) throw new Error("dist is missing or older than its sources; run `npm run build`");
  const base = mkdtempSync(path.join(tmpdir(), "coarsegrad-package-"));
  const folder = path.join(base, "consumer");
  const [packed] = JSON.parse(npm(["pack", "--json", "--pack-destination", base], root)) as {
    filename: string;
    files: { path: string }[];
  }[];
  const tarball = path.join(base, packed.filename);
  cpSync(path.join(import.meta.dirname, "consumer"), folder, { recursive: true });
  const project = { name: "consumer", private: true, type: "module" };
  writeFileSync(path.join(folder, "package.json"), JSON.stringify(project));
  npm(["install", "--offline", tarball], folder);
  const installed = path.join(folder, "node_modules", "coarsegrad");
  const manifest = JSON.parse(readFileSync(path.join(installed, "package.json"), "utf8"));
  const files = packed.files.map(({ path: name }) => name);
  return { folder, tarball, files, installed, manifest, remove: () => rmSync(base, { recursive: true, force: true }) };
}

/** Gives a consumer the type declarations of Node's modules, as users of `coarsegrad/node` have them. */
export function linkNodeTypes(folder: string): void {
  mkdirSync(path.join(folder, "node_modules", "@types"), { recursive: true });
  for (const name of ["@types/node", "undici-types"]) {
    symlinkSync(path.join(root, "node_modules", name), path.join(folder, "node_modules", name), "junction");
  }
}

/** The entries that hold JavaScript, as users import them. */
export function entriesOf({ manifest }: Consumer): string[] {
  return Object.entries(manifest.exports)
    .filter(([, target]) => typeof target !== "string")
    .map(([name]) => `coarsegrad${name.slice(1)}`);
}

/** All files of a folder, by their path in it with slashes: what a server of tests takes. */
export function filesUnder(folder: string): Record<string, Uint8Array> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const files = names.map((entry) => path.join(entry.parentPath, entry.name));
  return Object.fromEntries(
    files.map((file) => [path.relative(folder, file).replaceAll(path.sep, "/"), readFileSync(file)]),
  );
}
