/** @file Programs that import `coarsegrad`, bundled from the source that is tested. */
import path from "node:path";
import { build, type Plugin } from "esbuild";

const root = path.resolve(import.meta.dirname, "..");

/** Takes imports of `coarsegrad` and `coarsegrad/…` from `src/`. */
export const fromSource: Plugin = {
  name: "coarsegrad-from-source",
  setup(builder) {
    builder.onResolve({ filter: /^coarsegrad(\/|$)/ }, ({ path: name }) => ({
      path: path.join(root, "src", name.slice("coarsegrad".length), "index.ts"),
    }));
  },
};

/** Bundles a program for Node; its imports of `coarsegrad` and `coarsegrad/…` come from `src/`. */
export async function bundleProgram(entry: string, outfile: string): Promise<void> {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: "esm",
    target: "es2022",
    platform: "node",
    external: ["koffi"],
    plugins: [fromSource],
  });
}
