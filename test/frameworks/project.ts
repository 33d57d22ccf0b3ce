/** @file A project of a framework, beside the framework, with the packed package in its node_modules. */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import { commandFile, frameworks } from "../../scripts/run.mjs";
import { installPackage } from "../package/installed.js";

/** A copy of a folder of test/frameworks that runs. */
export interface Project {
  readonly folder: string;
  /** The JavaScript file of the framework's command. */
  readonly command: string;
  remove(): void;
}

/**
 * Copies a project to where its framework is found, and installs the package there.
 *
 * @param name its folder in test/frameworks, and the framework's package and command
 */
export function projectOf(name: "next" | "jest"): Project {
  const folder = mkdtempSync(path.join(frameworks, `${name}-`));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    cpSync(path.join(import.meta.dirname, name), folder, { recursive: true });
    const consumer = installPackage();
    try {
      cpSync(consumer.installed, path.join(folder, "node_modules", "coarsegrad"), { recursive: true });
    } finally {
      consumer.remove();
    }
    return { folder, command: commandFile(path.join(frameworks, "node_modules", name), name), remove };
  } catch (error) {
    remove();
    throw error;
  }
}
