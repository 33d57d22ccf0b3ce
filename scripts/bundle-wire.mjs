/** @file Puts the protobuf library inside the one built file that imports it, so that the installed package has no dependencies. */
import { build } from "esbuild";

const NOTICE =
  "/*! Contains parts of @bufbuild/protobuf, Copyright Buf Technologies, Inc. and Google Inc., under Apache-2.0 and BSD-3-Clause (github.com/bufbuild/protobuf-es). */";

/**
 * Bundles a built `onnx/wire.js` in place. Everything else of the package stays as it is: its classes must exist once.
 *
 * @param {string} file
 */
export async function bundleWire(file) {
  await build({
    entryPoints: [file],
    outfile: file,
    allowOverwrite: true,
    bundle: true,
    platform: "neutral",
    mainFields: ["module", "main"],
    format: "esm",
    target: "es2022",
    banner: { js: NOTICE },
    logLevel: "warning",
  });
}
