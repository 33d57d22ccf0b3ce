/** @file Puts libraries inside the built files that import them, so that the installed package has no dependencies. */
import path from "node:path";
import { build } from "esbuild";

/** Built files by the notice that the library inside asks for. */
const INSIDE = {
  "onnx/wire.js":
    "/*! Contains parts of @bufbuild/protobuf, Copyright Buf Technologies, Inc. and Google Inc., under Apache-2.0 and BSD-3-Clause (github.com/bufbuild/protobuf-es). */",
  "node/images/jpeg-library.js":
    "/*! Contains parts of jpeg-js, Copyright (c) 2014 Eugene Ware, under BSD-3-Clause, with parts Copyright 2011 notmasteryet under Apache-2.0 and Copyright (c) 2008 Adobe Systems Incorporated under BSD-3-Clause (github.com/jpeg-js/jpeg-js). */",
};

/**
 * Bundles them in place. Those files import nothing else: the package's own classes must exist once.
 *
 * @param {string} folder where the compiler wrote
 */
export async function bundleInside(folder) {
  for (const [name, notice] of Object.entries(INSIDE)) {
    const file = path.join(folder, name);
    await build({
      entryPoints: [file],
      outfile: file,
      allowOverwrite: true,
      bundle: true,
      platform: "neutral",
      mainFields: ["module", "main"],
      format: "esm",
      target: "es2022",
      banner: { js: notice },
      logLevel: "warning",
    });
  }
}
