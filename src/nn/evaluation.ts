/** @file Running a network as it is evaluated, whatever mode it is in. */
import type { Module } from "./module.js";

/** Runs `fn` with all modules of a network in evaluation mode, then puts their modes back. */
export function inEvaluation<T>(net: Module, fn: () => T): T {
  const modes = net.modules().map((module) => [module, module.training] as const);
  net.eval();
  try {
    return fn();
  } finally {
    for (const [module, training] of modes) module.training = training;
  }
}
