/** @file The page that times. */
import "../shell/index.js";
import "./speed.css";
import { connect } from "coarsegrad/worker";
import { byId, reporting, setText, table } from "../shell/dom.js";
import { copyText } from "../shell/files.js";
import { short } from "../shell/numbers.js";
import { asText, type Machine, type Row } from "./row.js";
import type { SpeedHandlers } from "./worker.js";

declare const COARSEGRAD_VERSION: string;

/** Milliseconds of sampling for each row; a link may say another number, `?ms=50`. */
const MILLISECONDS = Math.max(1, Number(new URLSearchParams(location.search).get("ms")) || 400);
const MOST_THREADS = 8;

const processors = navigator.hardwareConcurrency ?? 1;
const many = Math.min(MOST_THREADS, processors);
const rows: Row[] = [];
let variant = "simd";
let stop: AbortController | null = null;

const machine = (): Machine => ({
  version: COARSEGRAD_VERSION,
  browser: navigator.userAgent,
  processors,
  isolated: crossOriginIsolated,
  variant,
});

function rate({ gflops, imagesPerSecond }: Row): string {
  return gflops === undefined ? `${short(imagesPerSecond ?? 0)} images/s` : `${short(gflops)} GFLOP/s`;
}

function draw(): void {
  const works = [...new Set(rows.map(({ work }) => work))];
  const counts = [...new Set(rows.map(({ threads }) => threads))].sort((a, b) => a - b);
  const heads = ["work", ...counts.flatMap((n) => [`>ms, ${n} thread${n === 1 ? "" : "s"}`, `>rate`])];
  const cells = works.map((work) => [
    work,
    ...counts.flatMap((count) => {
      const row = rows.findLast((each) => each.work === work && each.threads === count);
      return row === undefined ? ["–", "–"] : [short(row.ms), rate(row)];
    }),
  ]);
  byId("rows").replaceChildren(table("Results", heads, cells));
  for (const id of ["copy-text", "copy-json"]) byId<HTMLButtonElement>(id).disabled = rows.length === 0;
}

function buttons(busy: boolean): void {
  for (const id of ["one", "many"]) byId<HTMLButtonElement>(id).disabled = busy;
  byId<HTMLButtonElement>("stop").disabled = !busy;
}

async function time(threads: number): Promise<void> {
  const worker = connect<SpeedHandlers>(new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }));
  stop = new AbortController();
  buttons(true);
  const status = byId("status");
  setText(status, `Timing on ${threads} thread${threads === 1 ? "" : "s"}.`);
  await reporting(byId("error"), async () => {
    const done = await worker.call("time", threads, MILLISECONDS, {
      signal: stop!.signal,
      onRow: (row: Row, count: number, all: number) => {
        rows.push(row);
        byId<HTMLProgressElement>("bar").value = count / all;
        draw();
      },
    });
    variant = done.variant;
  });
  worker.terminate();
  setText(
    status,
    stop.signal.aborted ? "Stopped." : `Done, with ${variant} kernels. Medians; lower milliseconds are better.`,
  );
  stop = null;
  buttons(false);
}

byId("one").addEventListener("click", () => void time(1));
byId("many").addEventListener("click", () => void time(many));
byId("stop").addEventListener("click", () => stop?.abort());
byId("copy-text").addEventListener("click", () => {
  void copyText(asText(machine(), rows), byId<HTMLButtonElement>("copy-text"));
});
byId("copy-json").addEventListener("click", () => {
  void copyText(JSON.stringify({ ...machine(), rows }, null, 2), byId<HTMLButtonElement>("copy-json"));
});
const manyButton = byId<HTMLButtonElement>("many");
manyButton.hidden = !crossOriginIsolated || many < 2;
manyButton.textContent = `… and on ${many} threads`;
setText(
  byId("machine"),
  crossOriginIsolated
    ? `${processors} processors; this page may share memory, so threads are allowed.`
    : `${processors} processors. Threads need a host that sends cross-origin-opener-policy: same-origin and cross-origin-embedder-policy: require-corp; this one does not.`,
);
