/** @file Finding browsers on any system, and CI's refusal to skip. */
import { describe, expect, it } from "vitest";
import { findChromium } from "./chromium.js";
import { lacks } from "./tools.js";

describe("a browser is found", () => {
  const only =
    (...files: string[]) =>
    (file: string) =>
      files.includes(file);
  it.each([
    ["on the path", { PATH: "/opt/bin:/usr/bin" }, "linux", "/opt/bin/google-chrome"],
    ["where Debian puts it", {}, "linux", "/usr/bin/chromium"],
    ["on macOS", { HOME: "/Users/a" }, "darwin", "/Users/a/Applications/Chromium.app/Contents/MacOS/Chromium"],
    [
      "on Windows",
      { PROGRAMFILES: "C:\\Program Files" },
      "win32",
      "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
    ],
    ["by name", { COARSEGRAD_CHROMIUM: "/x/browser", PATH: "/usr/bin" }, "linux", "/x/browser"],
  ] as [string, NodeJS.ProcessEnv, NodeJS.Platform, string][])("%s", (_where, env, platform, file) => {
    expect(findChromium(env, platform, only(file, "/usr/bin/nothing"))).toBe(file);
    expect(findChromium(env, platform, () => false)).toBeUndefined();
  });
});

describe("a missing tool", () => {
  it("skips on a user's machine and fails in CI", () => {
    expect([
      lacks("it", false, {}),
      lacks("it", true, {}),
      lacks("it", true, { CI: "true" }),
      lacks("it", false, { CI: "false" }),
    ]).toEqual([true, false, false, true]);
    expect(() => lacks("Chromium", false, { CI: "1" })).toThrow(/Chromium is missing in CI/);
  });
});
