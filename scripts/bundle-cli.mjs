/**
 * @file Bundles the command line into one file, and charting into a second one: libraries, the report's style sheet and
 * its browser script go inside.
 */
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/**
 * A browser script with all that it imports, minified, as text that may stand inside a page's script element.
 *
 * @param {string} file its TypeScript module
 * @returns {Promise<string>}
 */
export async function bundleScript(file) {
  const { outputFiles } = await build({
    entryPoints: [file],
    bundle: true,
    write: false,
    minify: true,
    format: "iife",
    target: "es2022",
    legalComments: "inline",
  });
  // A closing tag inside the script would end the page's script element.
  return outputFiles[0].text.replaceAll("</script", "<\\/script");
}

/** `import text from "./client.ts?script"` gives that module, bundled and minified for browsers, as text. */
const inlineScript = {
  name: "inline-script",
  setup(builder) {
    builder.onResolve({ filter: /\?script$/ }, (args) => ({
      path: path.resolve(args.resolveDir, args.path.replace(/\?script$/, "")),
      namespace: "inline-script",
    }));
    builder.onLoad({ filter: /.*/, namespace: "inline-script" }, async (args) => ({
      contents: await bundleScript(args.path),
      loader: "text",
    }));
  },
};

/**
 * What is loaded only when it is asked for, in a file beside the command line: charting takes longer to load than all
 * the rest.
 */
const LATE = { name: "charts", source: "src/cli/theory/render.ts" };

/** Optional peer dependencies: they stay imports, which happen when a queue or ranks of MPI are asked for. */
const PEERS = ["bullmq", "ioredis", "koffi"];

/** Late imports of {@link LATE} stay imports, of the file beside. */
const lateFile = (extension) => ({
  name: "late-file",
  setup(builder) {
    builder.onResolve({ filter: /\/theory\/render\.js$/ }, ({ kind }) =>
      kind === "dynamic-import" ? { path: `./${LATE.name}${extension}`, external: true } : undefined,
    );
  },
});

/**
 * Texts that the library has in files of their own, where it lies beside the command line: variants of the kernels that
 * are loaded late, 130 kB each, and the packed runtime. The package would hold them twice.
 */
const sharedTexts = (outfile) => {
  const dist = path.resolve(root, path.dirname(outfile), "..");
  return {
    name: "shared-texts",
    setup(builder) {
      builder.onResolve({ filter: /\/wasm-[a-z-]+\.generated\.js$/ }, async ({ kind, path: module }) => {
        if (kind !== "dynamic-import") return undefined;
        const start = `${path.basename(module, ".js")}-`;
        const names = await readdir(path.join(dist, "shared")).catch(() => []);
        const name = names.find((file) => file.startsWith(start) && file.endsWith(".js"));
        return name === undefined ? undefined : { path: `../shared/${name}`, external: true };
      });
      builder.onResolve({ filter: /\/runtime\.generated\.js$/ }, () =>
        existsSync(path.join(dist, "export", "runtime.generated.js"))
          ? { path: "../export/runtime.generated.js", external: true }
          : undefined,
      );
    },
  };
};

/**
 * Writes the executable command line to `outfile`, and beside it what it loads late.
 *
 * @param {string} outfile
 */
export async function bundleCli(outfile) {
  const { version } = JSON.parse(await readFile(path.join(root, "package.json"), "utf8"));
  const extension = path.extname(outfile);
  await build({
    absWorkingDir: root,
    entryPoints: [LATE.source],
    outfile: path.join(path.dirname(outfile), `${LATE.name}${extension}`),
    bundle: true,
    minify: true,
    platform: "node",
    format: "esm",
    target: "node20",
    legalComments: "eof",
    logLevel: "warning",
  });
  await build({
    absWorkingDir: root,
    entryPoints: ["src/cli/main.ts"],
    outfile,
    bundle: true,
    // Names stay, for stacks.
    minifyWhitespace: true,
    minifySyntax: true,
    platform: "node",
    format: "esm",
    target: "node20",
    loader: { ".css": "text" },
    define: { COARSEGRAD_VERSION: JSON.stringify(version) },
    // Bundled CommonJS libraries call require() for Node's own modules.
    banner: {
      js: '#!/usr/bin/env node\nimport { createRequire as __createRequire } from "node:module";\nconst require = __createRequire(import.meta.url);',
    },
    external: PEERS,
    plugins: [inlineScript, lateFile(extension), sharedTexts(outfile)],
    legalComments: "eof",
    logLevel: "warning",
  });
}
