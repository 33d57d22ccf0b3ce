/** @file The browser harness itself: it serves what it is given and reports what goes wrong in the page. */
import { describe, expect, it } from "vitest";
import { noChromium } from "../tools.js";
import { withPage } from "./page.js";

describe.skipIf(noChromium)("a page in headless Chromium", () => {
  it("loads modules and bytes that the server is given", async () => {
    const files = { "app/two.js": "export const two = 2;", "bytes.bin": Uint8Array.of(1, 2, 250) };
    const result = await withPage(files, (page) =>
      page.evaluate(`(async () => {
        const { two } = await import("/app/two.js");
        const bytes = await (await fetch("/bytes.bin")).arrayBuffer();
        return [two, ...new Uint8Array(bytes)];
      })()`),
    );
    expect(result).toEqual([2, 1, 2, 250]);
  });

  it("sends the headers that it is given", async () => {
    const headers = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
    expect(await withPage({}, (page) => page.evaluate("crossOriginIsolated"), { headers })).toBe(true);
    expect(await withPage({}, (page) => page.evaluate("crossOriginIsolated"))).toBe(false);
  });

  it("fails if the page throws, or asks for what is not there", async () => {
    const broken = { "index.html": "<!doctype html><script>throw new Error('broken page')</script>" };
    await expect(withPage(broken, async () => undefined)).rejects.toThrow("broken page");
    const missing = withPage({}, (page) => page.evaluate('fetch("/missing.json").then((answer) => answer.status)'));
    await expect(missing).rejects.toThrow("404");
  });
});
