/** @file Progress on stderr: a bar on a terminal, a line every few seconds elsewhere, messages to a parent process. */
import { MultiBar, Presets, type SingleBar } from "cli-progress";
import { printableLine } from "../../core/printable.js";
import { duration } from "./numbers.js";
import type { Terminal } from "./terminal.js";

/** What a piece of work reports while it runs. */
export interface Progress {
  /**
   * @param done units of work that are finished
   * @param details text such as "loss 0.123 · 812 images/s"
   */
  update(done: number, details?: string): void;
  /** Ends the display. A second call does nothing. */
  stop(): void;
  /** Ends the display and takes it away where that can be done: a line says what is to be said. */
  remove(): void;
}

/** Several pieces of work that run at the same time, one bar each. */
export interface ProgressBoard {
  /**
   * @param label what is being done
   * @param total units of work in all
   * @param offset units that were done before (a resumed run): they do not count towards the speed
   */
  add(label: string, total: number, offset?: number): Progress;
  /** A line that stays, above what moves. */
  line(text: string): void;
  stop(): void;
}

/** What a child process tells its parent about its progress. */
export interface ProgressMessage {
  readonly progress: {
    readonly label: string;
    readonly done: number;
    readonly total: number;
    readonly details: string;
  };
}

const PLAIN_INTERVAL = 5000;
const MESSAGE_INTERVAL = 200;

/** The board that suits where stderr goes. */
export function progressBoard(terminal: Terminal): ProgressBoard {
  if (process.env["COARSEGRAD_PROGRESS"] === "ipc" && process.send !== undefined) return messageBoard();
  if (terminal.animated) return barBoard();
  return terminal.chatty
    ? plainBoard((line) => terminal.note(line))
    : { add: () => silent, line: () => undefined, stop: () => undefined };
}

/** A single piece of work on a board of its own. */
export function startProgress(terminal: Terminal, label: string, total: number, offset = 0): Progress {
  const board = progressBoard(terminal);
  const progress = board.add(label, total, offset);
  return {
    update: (done, details) => progress.update(done, details),
    stop() {
      progress.stop();
      board.stop();
    },
    remove() {
      progress.remove();
      board.stop();
    },
  };
}

const silent: Progress = { update: () => undefined, stop: () => undefined, remove: () => undefined };

/** Remaining seconds at the mean speed since the start; NaN before anything was done. */
export function remaining(elapsedSeconds: number, done: number, total: number, offset: number): number {
  const fresh = done - offset;
  return fresh <= 0 ? Number.NaN : (elapsedSeconds * (total - done)) / fresh;
}

function etaText(started: number, done: number, total: number, offset: number): string {
  const eta = remaining((performance.now() - started) / 1000, done, total, offset);
  return Number.isFinite(eta) ? `ETA ${duration(eta)}` : "";
}

/** What a line of progress tells. */
export interface BarLine {
  readonly label: string;
  /** Share that is done, in [0, 1]. */
  readonly share: number;
  /** Parts with two blanks between them. */
  readonly details: string;
  readonly eta: string;
}

const LABEL = 22;
const BAR = 24;
const SHORTEST_BAR = 6;

/**
 * A line of progress that fits: the bar shrinks first; then go the last of the details (the speed), the remaining time,
 * the blanks after the label, the second of many details (the loss), the bar, other details but the first and the last
 * of what is left, and these; what is left is cut.
 *
 * @param columns of the terminal; the last one stays free
 */
export function barLine({ label, share, details, eta }: BarLine, columns: number): string {
  const room = Math.max(1, columns - 1);
  const parts = details.split("  ").filter(Boolean);
  const percentage = `${Math.floor(100 * Math.min(1, share))} %`.padStart(5);
  let [name, bar, time] = [label.padEnd(LABEL), BAR, eta];
  const fixed = (): string => [percentage, ...parts, time].filter(Boolean).join("  ");
  const over = (): number => name.length + 1 + (bar > 0 ? bar + 1 : 0) + fixed().length - room;
  const shrink = (): boolean => {
    bar = Math.max(SHORTEST_BAR, Math.min(BAR, bar - over()));
    return over() <= 0;
  };
  const steps: (() => void)[] = [
    () => void (parts.length > 1 && parts.pop()),
    () => {
      time = "";
    },
    () => {
      name = label;
    },
    () => void (parts.length > 3 && parts.splice(1, 1)),
    () => {
      bar = 0;
    },
    () => void parts.splice(1, parts.length - 2),
    () => void parts.splice(1),
    () => void parts.splice(0),
  ];
  for (const step of steps) {
    if (bar > 0 ? shrink() : over() <= 0) break;
    step();
  }
  const filled = Math.round(bar * Math.min(1, share));
  const drawn = bar > 0 ? `${"█".repeat(filled)}${"░".repeat(bar - filled)} ` : "";
  return `${name} ${drawn}${fixed()}`.slice(0, room).trimEnd();
}

function barBoard(): ProgressBoard {
  const bars = new MultiBar(
    {
      format: (_, { progress }, { label, details, eta_text: eta }) =>
        barLine({ label, share: progress, details, eta }, process.stderr.columns ?? 80),
      fps: 8,
      hideCursor: true,
      clearOnComplete: false,
      stopOnComplete: false,
      stream: process.stderr,
    },
    Presets.shades_classic,
  );
  return {
    add(label, total, offset = 0) {
      const started = performance.now();
      const bar: SingleBar = bars.create(total, offset, {
        label: printableLine(label),
        details: "",
        eta_text: "",
      });
      return {
        update(done, details = "") {
          bar.update(done, {
            details: printableLine(details),
            eta_text: done >= total ? "" : etaText(started, done, total, offset),
          });
        },
        stop: () => bar.stop(),
        remove() {
          bar.stop();
          bars.remove(bar);
        },
      };
    },
    line: (text) => bars.log(`${printableLine(text)}\n`),
    stop: () => bars.stop(),
  };
}

/** Lines for logs: the first state, one every few seconds, and the last. */
function plainBoard(write: (line: string) => void): ProgressBoard {
  return {
    add(label, total, offset = 0) {
      const started = performance.now();
      let shown = started;
      let last: { done: number; details: string } | null = null;
      let stopped = false;
      const show = (done: number, details: string): void => {
        const share = `${Math.floor((100 * done) / Math.max(1, total))} %`;
        const eta = done >= total ? "" : etaText(started, done, total, offset);
        write([label.padEnd(22), share.padStart(5), details, eta].filter(Boolean).join("  "));
        shown = performance.now();
        last = null;
      };
      return {
        update(done, details = "") {
          last = { done, details };
          if (performance.now() - shown >= PLAIN_INTERVAL) show(done, details);
        },
        stop() {
          if (!stopped && last !== null) show(last.done, last.details);
          stopped = true;
        },
        remove() {
          stopped = true;
        },
      };
    },
    line: write,
    stop: () => undefined,
  };
}

function messageBoard(): ProgressBoard {
  return {
    add(label, total) {
      let sent = 0;
      return {
        update(done, details = "") {
          const now = performance.now();
          if (now - sent < MESSAGE_INTERVAL && done < total) return;
          sent = now;
          const message: ProgressMessage = { progress: { label, done, total, details } };
          process.send?.(message);
        },
        stop: () => undefined,
        remove: () => undefined,
      };
    },
    line: () => undefined,
    stop: () => undefined,
  };
}
