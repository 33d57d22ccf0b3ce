/** @file `using` where the engine has no `Symbol.dispose`: a context of Node 20 is such an engine, as Safari is. */
import { createContext, runInContext } from "node:vm";
import { build } from "esbuild";
import { expect, it } from "vitest";

it("classes can be disposed of in engines without Symbol.dispose", async () => {
  const source = `import { Scope } from "./src/memory/scope.js"; import { DISPOSE } from "./src/core/dispose.js";
    globalThis.own = DISPOSE; globalThis.closes = typeof Scope.prototype[Symbol.dispose];`;
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: process.cwd() },
    bundle: true,
    write: false,
    format: "iife",
    target: "es2022",
  });
  const context = createContext({});
  runInContext(outputFiles[0].text, context);
  expect(context.closes).toBe("function");
  expect(runInContext("Symbol.dispose === own && typeof own", context)).toBe("symbol");
});
