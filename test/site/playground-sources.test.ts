/** @file The rules of the playground's sources: small files that say what they are, and import what anybody could. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { root } from "../../scripts/run.mjs";

const folder = path.join(root, "site", "playground");
const { exports } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => /\.(?:m?[jt]s)$/.test(name));

it("are short and begin with what they are", () => {
  const long = files.filter((name) => readFileSync(path.join(folder, name), "utf8").split("\n").length > 301);
  expect(long).toEqual([]);
  const scripts = files.filter((name) => !name.endsWith("service-worker.js"));
  expect(scripts.length).toBeGreaterThan(40);
  expect(
    scripts.filter((name) => !/^\/\*\* @file|^\/\*\*\n \* @file/.test(readFileSync(path.join(folder, name), "utf8"))),
  ).toEqual([]);
});

it("import the package's entries, the charts, and each other", () => {
  const foreign = files
    .filter((name) => name.startsWith("src"))
    .flatMap((name) => {
      const text = readFileSync(path.join(folder, name), "utf8");
      const statement = /^(?:import|export|\})[^"`;]*\bfrom\s*"([^"]+)"|^import "([^"]+)"|\bimport\("([^"]+)"/gm;
      const specifiers = [...text.matchAll(statement)].map((match) => match[1] ?? match[2] ?? match[3]);
      return specifiers
        .filter((specifier) => {
          if (specifier.startsWith(".")) {
            return !path.join(folder, path.dirname(name), specifier).startsWith(path.join(folder, "src"));
          }
          if (/^uplot(?:\/|$)/.test(specifier)) return false;
          return exports[`.${specifier.replace(/^coarsegrad/, "")}`] === undefined || specifier === "coarsegrad/node";
        })
        .map((specifier) => `${name}: ${specifier}`);
    });
  expect(foreign).toEqual([]);
});
