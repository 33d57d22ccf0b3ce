/**
 * @file Tools that some tests need and not every machine has: without one they are skipped by name, but in CI that is a
 * failure.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { frameworks, node22, node24 } from "../scripts/run.mjs";
import { findChromium } from "./chromium.js";

/**
 * Says whether tests that need a tool are to be skipped.
 *
 * @param tool its name, for the message
 * @param there whether it is installed
 * @throws Error in CI, where nothing that CI installs may be missing
 */
export function lacks(tool: string, there: boolean, env: NodeJS.ProcessEnv = process.env): boolean {
  const inCI = env.CI !== undefined && env.CI !== "" && env.CI !== "false";
  if (!there && inCI) throw new Error(`${tool} is missing in CI: its tests would be skipped`);
  return !there;
}

/** The browser that tests drive, if there is one. */
export const chromiumPath = findChromium();
/** True where browser tests are to be skipped. */
export const noChromium = lacks("Chromium", chromiumPath !== undefined);
/** True where tests of other engines are to be skipped; `node scripts/install-nodes.mjs` brings them. */
export const noNode22 = lacks("Node 22", existsSync(node22));
export const noNode24 = lacks("Node 24", existsSync(node24));
/** True where tests of frameworks are to be skipped; `node scripts/install-frameworks.mjs` brings them. */
export const noFrameworks = lacks(
  "Next.js and Jest",
  existsSync(path.join(frameworks, "node_modules", ".package-lock.json")),
);

/** Whether a program is on the path. */
export function hasProgram(name: string, env: NodeJS.ProcessEnv = process.env): boolean {
  const files = process.platform === "win32" ? [`${name}.exe`] : [name];
  const folders = (env.PATH ?? "").split(path.delimiter).filter(Boolean);
  return folders.some((folder) => files.some((file) => existsSync(path.join(folder, file))));
}

/** True where tests of queues are to be skipped; Debian's package is `redis-server`. */
export const noRedis = lacks("redis-server", hasProgram("redis-server"));

/** C compilers and emulators by what they are for, each with its programs and Debian's packages. */
const C_TOOLS = {
  gcc: [["gcc"], "gcc libc6-dev"],
  clang: [["clang"], "clang"],
  "Cortex-M4": [["arm-none-eabi-gcc", "qemu-system-arm"], "gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm"],
  RV32: [
    ["riscv64-unknown-elf-gcc", "qemu-system-riscv32"],
    "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf qemu-system-misc",
  ],
} as const;

/** What C is compiled for. */
export type CTool = keyof typeof C_TOOLS;

/** True where tests of a C compiler are to be skipped. */
export function noC(tool: CTool): boolean {
  const [programs, packages] = C_TOOLS[tool];
  return lacks(
    `${tool} (${packages})`,
    programs.every((program) => hasProgram(program)),
  );
}
