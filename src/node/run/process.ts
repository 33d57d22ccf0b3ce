/** @file Which process wrote something, and whether it is still the same one: process numbers are used again. */
import { execFileSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** A process, so that another one can tell later whether it still runs. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** The machine's present start (Linux). */
  readonly boot?: string;
  /** Within which process numbers are counted (Linux: containers have their own). */
  readonly namespace?: string;
  /** When the process started: clock ticks since the machine did (Linux), else milliseconds since 1970. */
  readonly start?: number;
}

const linux = process.platform === "linux";

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** The present process. */
export function thisProcess(): ProcessIdentity {
  const { pid } = process;
  const start = linux ? linuxStart(pid) : Math.round(Date.now() - 1000 * process.uptime());
  return { pid, host: hostname(), boot: bootOf(), namespace: namespaceOf(), start };
}

function bootOf(): string | undefined {
  return linux ? attempt(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()) : undefined;
}

function namespaceOf(): string | undefined {
  return linux ? attempt(() => readlinkSync("/proc/self/ns/pid")) : undefined;
}

/** What Linux tells of a process: its state, and then numbers. */
function linuxStat(pid: number): string[] {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, "latin1")) ?? "";
  // The second field is the program's name in parentheses, which may hold spaces and parentheses itself.
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** Clock ticks from the machine's start to the process's. */
function linuxStart(pid: number): number | undefined {
  const ticks = Number(linuxStat(pid)[19]);
  return Number.isSafeInteger(ticks) ? ticks : undefined;
}

/** When another process started, as its system tells it, or undefined. */
function startOf(pid: number): number | undefined {
  if (linux) return linuxStart(pid);
  const tell = (program: string, args: string[]): number | undefined => {
    const time = Number(attempt(() => Date.parse(execFileSync(program, args, { encoding: "utf8", timeout: 5000 }))));
    return Number.isFinite(time) ? time : undefined;
  };
  if (process.platform === "win32") {
    return tell("powershell", ["-NoProfile", "-Command", `(Get-Process -Id ${pid}).StartTime.ToString('o')`]);
  }
  return tell("ps", ["-o", "lstart=", "-p", `${pid}`]);
}

/** Milliseconds by which two tellings of a start may differ where it is not told in ticks. */
const SLACK = 5000;

/** True if a process of that number runs here, whichever it is; one that has ended and was not asked for does not. */
export function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // One that has ended keeps its number until its parent asks, which in a container may be never.
    return !(linux && /^[ZX]/.test(linuxStat(pid)[0]));
  } catch (error) {
    // Of another user: it is there, but may not be signalled.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/**
 * Whether a process still runs: `alive`, `gone`, or `unknown` for one of another machine or container, which cannot be
 * seen from here. A process whose start cannot be told counts as the one that was meant.
 */
export function stateOf({ pid, host, boot, namespace, start }: ProcessIdentity): "alive" | "gone" | "unknown" {
  const here = { boot: bootOf(), namespace: namespaceOf() };
  const sameBoot = boot !== undefined && boot === here.boot;
  if (host !== hostname() && !sameBoot) return "unknown";
  if (boot !== undefined && here.boot !== undefined && !sameBoot) return "gone";
  if (namespace !== undefined && here.namespace !== undefined && namespace !== here.namespace) return "unknown";
  if (!runs(pid)) return "gone";
  const now = start === undefined ? undefined : startOf(pid);
  if (start === undefined || now === undefined) return "alive";
  return Math.abs(now - start) <= (linux ? 0 : SLACK) ? "alive" : "gone";
}
