/**
 * @file Jest's mode for ES modules: it runs tests in a realm of their own, where `instanceof` fails for the arrays and
 * errors of another one.
 */
import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { noFrameworks } from "../tools.js";
import { type Project, projectOf } from "./project.js";

describe.skipIf(noFrameworks)("a project with Jest", () => {
  let project: Project;
  beforeAll(() => {
    project = projectOf("jest");
  });
  afterAll(() => project?.remove());

  it("trains, infers, reads and writes in its tests", () => {
    // What vitest tells its own workers is not for another runner's.
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^(?:VITEST|TINYPOOL|JEST)/.test(name)),
    );
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [
        "--experimental-vm-modules",
        project.command,
        "--rootDir",
        project.folder,
        "--runInBand",
        "--no-cache",
        "--json",
      ],
      { cwd: project.folder, encoding: "utf8", env: { ...env, NODE_ENV: "test" } },
    );
    const results = stdout.includes("{") ? JSON.parse(stdout.slice(stdout.indexOf("{"))) : {};
    expect(results.success, stderr).toBe(true);
    expect(status).toBe(0);
    expect([results.numPassedTests, results.numPendingTests]).toEqual([6, 0]);
  });
});
