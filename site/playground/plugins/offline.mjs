/** @file The service worker of the site: its list of files is what was built. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";

/**
 * Writes `sw.js`, which keeps every file of the site; its version is a hash of all of them.
 *
 * @returns {import("vite").Plugin}
 */
export function offlineFiles() {
  return {
    name: "offline-files",
    apply: "build",
    enforce: "post",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        const hash = createHash("sha256");
        const names = Object.keys(bundle).sort();
        for (const name of names) {
          const { source, code } = bundle[name];
          hash.update(name).update(source ?? code);
        }
        const template = readFileSync(path.join(import.meta.dirname, "service-worker.js"), "utf8");
        const text = template
          .replace('"VERSION"', () => JSON.stringify(hash.digest("hex").slice(0, 16)))
          .replace('["FILES"]', () => JSON.stringify(names));
        this.emitFile({ type: "asset", fileName: "sw.js", source: text });
      },
    },
  };
}
