/** @file Types of run.mjs, for the tests. */
import type { SpawnOptions } from "node:child_process";

export const root: string;
export const node22: string;
export const node24: string;
export const frameworks: string;
export function commandFile(folder: string, command: string): string;
export function tool(name: string): string;
export function runTool(name: string, args: readonly string[], options?: SpawnOptions): Promise<number>;
export function npm(): string;
export function run(command: string, args: readonly string[], options?: SpawnOptions): Promise<number>;
export function runScript(name: string, args?: readonly string[]): Promise<number>;
export function buildIsStale(): boolean;
