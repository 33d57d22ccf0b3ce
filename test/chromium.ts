/** @file Where a Chromium is installed; scripts load this file too. */
import { existsSync } from "node:fs";
import path from "node:path";

/** Where a Chromium is installed on Linux, macOS and Windows, most wanted first. */
function chromiumPlaces(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string[] {
  const named = env.COARSEGRAD_CHROMIUM === undefined ? [] : [env.COARSEGRAD_CHROMIUM];
  if (platform === "darwin") {
    const apps = ["Google Chrome", "Chromium", "Microsoft Edge"].map((app) => `${app}.app/Contents/MacOS/${app}`);
    const roots = ["/Applications", ...(env.HOME === undefined ? [] : [`${env.HOME}/Applications`])];
    return [...named, ...roots.flatMap((folder) => apps.map((app) => path.posix.join(folder, app)))];
  }
  if (platform === "win32") {
    const roots = [env.PROGRAMFILES, env["PROGRAMFILES(X86)"], env.LOCALAPPDATA].filter((root) => root !== undefined);
    const programs = [
      "Google/Chrome/Application/chrome.exe",
      "Chromium/Application/chrome.exe",
      "Microsoft/Edge/Application/msedge.exe",
    ];
    return [...named, ...roots.flatMap((root) => programs.map((program) => path.win32.join(root, program)))];
  }
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"];
  const folders = (env.PATH ?? "").split(":").filter(Boolean);
  return [
    ...named,
    ...[...folders, "/usr/bin", "/snap/bin"].flatMap((folder) => names.map((name) => path.posix.join(folder, name))),
  ];
}

/** The first Chromium that is there; `COARSEGRAD_CHROMIUM` names one that is elsewhere. */
export function findChromium(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
  there: (file: string) => boolean = existsSync,
): string | undefined {
  return chromiumPlaces(env, platform).find(there);
}
