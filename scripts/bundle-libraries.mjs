/**
 * @file Puts each library inside the one built file that imports it, so that the installed package has no dependencies.
 */
import path from "node:path";
import { build } from "esbuild";

/** What a built file contains, to be said in it. */
const LIBRARIES = {
  "data/csv/library.js":
    "papaparse, Copyright (c) 2015 Matthew Holt, under the MIT licence (github.com/mholt/PapaParse)",
  "onnx/wire.js":
    "@bufbuild/protobuf, Copyright Buf Technologies, Inc. and Google Inc., under Apache-2.0 and BSD-3-Clause (github.com/bufbuild/protobuf-es)",
  "core/sha256-library.js":
    "@noble/hashes, Copyright (c) 2022 Paul Miller (paulmillr.com), under the MIT licence (github.com/paulmillr/noble-hashes)",
  "node/images/jpeg-library.js":
    "jpeg-js, Copyright (c) 2014 Eugene Ware, under BSD-3-Clause, with parts Copyright 2011 notmasteryet under Apache-2.0 and Copyright (c) 2008 Adobe Systems Incorporated under BSD-3-Clause (github.com/jpeg-js/jpeg-js)",
};

/**
 * Bundles those files in place. Everything else of the package stays as it is: its classes must exist once.
 *
 * @param {string} folder where the compiler wrote
 */
export async function bundleLibraries(folder) {
  for (const [name, contents] of Object.entries(LIBRARIES)) {
    const file = path.join(folder, name);
    await build({
      entryPoints: [file],
      outfile: file,
      allowOverwrite: true,
      bundle: true,
      platform: "neutral",
      // Without what needs Node, where a library has both.
      mainFields: ["browser", "module", "main"],
      // Nobody's loader but the bundle's own.
      define: { define: "undefined" },
      format: "esm",
      target: "es2022",
      sourcemap: true,
      banner: { js: `/*! Contains parts of ${contents}. */` },
      logLevel: "warning",
    });
  }
}
