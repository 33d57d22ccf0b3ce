/** @file The commands, in the order in which help lists them. */
import type { Command } from "commander";
import { benchCommand } from "./bench.js";
import { dataCommand } from "./data.js";
import { evalCommand } from "./eval.js";
import { exportCommand } from "./export.js";
import { inferCommand } from "./infer.js";
import { launchCommand } from "./launch.js";
import { packCommand } from "./pack.js";
import { quickstartCommand } from "./quickstart.js";
import { reportCommand } from "./report.js";
import { summaryCommand } from "./summary.js";
import { sweepCommand } from "./sweep.js";
import { sweepWorkerCommand } from "./sweep-worker.js";
import { theoryCommand } from "./theory.js";
import { trainCommand } from "./train.js";
import { verifyCommand } from "./verify.js";

/** Makers of all commands. */
export const COMMANDS: readonly (() => Command)[] = [
  quickstartCommand,
  trainCommand,
  launchCommand,
  sweepCommand,
  sweepWorkerCommand,
  evalCommand,
  packCommand,
  exportCommand,
  verifyCommand,
  inferCommand,
  summaryCommand,
  reportCommand,
  dataCommand,
  benchCommand,
  theoryCommand,
];
