/** @file All runs of the page: what is kept, which one goes on, which one is looked at. */
import { byId } from "../shell/dom.js";
import { download } from "../shell/files.js";
import { inAFrame } from "../shell/frames.js";
import { forget, readAll } from "../shell/store.js";
import { style } from "../shell/styles.js";
import { Curves, type ShownRun } from "./curves.js";
import type { GateMode } from "./gate.js";
import type { Wish } from "./make.js";
import type { FileKind, ImagesNote, RunRecord } from "./record.js";
import { showRun } from "./run-panel.js";
import { endHelper, helperWorker, type LiveRun, startRun } from "./runner.js";
import { drawRuns } from "./runs-table.js";
import { WeightsPanel } from "./weights-panel.js";

/** Threads that a worker of this page may use: more than one needs shared memory. */
const threads = (): number => (crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1);

/** Shapes of known images that are not 28×28. */
const SHAPES: Readonly<Record<string, readonly number[]>> = { cifar10: [32, 32, 3], fsdd: [49, 20, 1] };

/** The runs, as the page shows them. */
export class Runs {
  readonly #records = new Map<string, RunRecord>();
  readonly #hidden = new Set<string>();
  readonly #curves = new Curves();
  readonly #weights = new WeightsPanel();
  readonly #onFinished: (runs: readonly RunRecord[]) => void;
  #current: string | null = null;
  #live: LiveRun | null = null;
  #listed = "";

  /** @param onFinished told which runs have weights to start from */
  constructor(onFinished: (runs: readonly RunRecord[]) => void) {
    this.#onFinished = onFinished;
    byId("pause").addEventListener("click", () => {
      const paused = this.#currentRecord?.status === "paused";
      this.#live?.gate(paused ? "run" : "pause");
    });
    byId("step").addEventListener("click", () => this.#live?.gate("step"));
    byId("reset").addEventListener("click", () => void this.#reset());
    addEventListener("pagehide", () => this.#leave());
  }

  get #currentRecord(): RunRecord | null {
    return (this.#current === null ? undefined : this.#records.get(this.#current)) ?? null;
  }

  /** Shows what earlier visits kept. */
  async load(): Promise<void> {
    const kept = await readAll<RunRecord>("runs").catch(() => []);
    for (const record of kept.sort((a, b) => a.created - b.created)) this.#records.set(record.id, record);
    const last = kept.at(-1);
    this.#draw();
    if (last !== undefined) await this.#look(last);
  }

  /** Starts a run. @throws Error for settings that do not go together, or while another one goes on */
  async start(
    { choices, images, from }: { choices: Wish["choices"]; images: ImagesNote | null; from: string | null },
    mode: GateMode,
  ): Promise<void> {
    if (this.#live !== null) throw new Error("A run goes on. Reset it, or let it finish.");
    const parent = (from === null ? undefined : this.#records.get(from)) ?? null;
    const record = await helperWorker().call("make", { choices, images, from: parent }, threads());
    this.#records.set(record.id, record);
    this.#work(record, mode);
  }

  #work(record: RunRecord, mode: GateMode): void {
    this.#current = record.id;
    this.#weights.show(null);
    const live = startRun(
      record,
      mode,
      (news) => {
        if (!this.#records.has(news.id)) return;
        this.#records.set(news.id, news);
        inAFrame("run", () => this.#draw());
      },
      (view) => {
        if (this.#current === record.id) this.#weights.show(view);
      },
    );
    this.#live = live;
    this.#draw();
    live.ended
      .catch((error: Error) => {
        const own = this.#records.get(record.id);
        if (own !== undefined && this.#live === live) Object.assign(own, { status: "failed", error: error.message });
      })
      .finally(() => {
        if (this.#live === live) this.#live = null;
        this.#draw();
      });
  }

  /**
   * The page is left, maybe for a while: browsers can keep pages that were left, asleep with their workers. A worker
   * that sleeps within a write keeps the store locked for every page that comes after; they are ended instead, and the
   * run goes on from its last checkpoint.
   */
  #leave(): void {
    endHelper();
    const live = this.#live;
    if (live === null) return;
    this.#live = null;
    live.kill();
    this.#draw();
  }

  async #reset(): Promise<void> {
    const record = this.#currentRecord;
    if (record === null) return;
    if (this.#live?.id === record.id) {
      const { ended } = this.#live;
      this.#live.stop();
      await ended.catch(() => undefined);
    }
    await this.#remove(record);
  }

  async #remove({ id }: RunRecord): Promise<void> {
    this.#records.delete(id);
    await forget(id);
    if (this.#current === id) {
      this.#current = null;
      this.#weights.show(null);
      const next = [...this.#records.values()].at(-1);
      if (next !== undefined) await this.#look(next);
    }
    this.#draw();
  }

  async #look(record: RunRecord): Promise<void> {
    this.#current = record.id;
    this.#draw();
    if (this.#live?.id === record.id) return;
    const shape = record.config.images?.shape ?? SHAPES[record.config.data] ?? [28, 28, 1];
    const view = await helperWorker()
      .call("weights", record, shape)
      .catch(() => null);
    if (this.#current === record.id) this.#weights.show(view);
  }

  async #save(kind: FileKind, name: string): Promise<void> {
    const record = this.#currentRecord;
    if (record !== null) download(name, await helperWorker().call("file", record, kind));
  }

  /** A run and those that it started from, the first one first. */
  #chain(record: RunRecord): RunRecord[] {
    const parent = record.from === null ? undefined : this.#records.get(record.from);
    return parent === undefined ? [record] : [...this.#chain(parent), record];
  }

  #draw(): void {
    const all = [...this.#records.values()];
    const shown: ShownRun[] = all.map((record, i) => ({ record, style: style(i) }));
    const current = this.#currentRecord;
    this.#curves.draw(
      shown.filter(({ record }) => !this.#hidden.has(record.id)),
      current,
    );
    const isLive = current !== null && this.#live?.id === current.id;
    if (current !== null) {
      showRun(current, isLive, this.#chain(current), (kind, name) => this.#save(kind, name));
    } else {
      byId("run-name").textContent = "No run yet";
      byId("run-status").textContent = "Choose settings and start.";
      byId("run-figures").replaceChildren();
      byId("result").hidden = true;
      byId<HTMLProgressElement>("bar").value = 0;
    }
    this.#buttons(current, isLive);
    this.#list(shown, current);
  }

  #buttons(current: RunRecord | null, isLive: boolean): void {
    const works = isLive && current?.testing !== true;
    const paused = works && current?.status === "paused";
    const pause = byId<HTMLButtonElement>("pause");
    pause.disabled = !works;
    pause.textContent = paused ? "Go on" : "Pause";
    byId<HTMLButtonElement>("step").disabled = !paused;
    byId<HTMLButtonElement>("reset").disabled = current === null;
    for (const id of ["start", "start-step"]) byId<HTMLButtonElement>(id).disabled = this.#live !== null;
  }

  /** The list, where something in it has changed: it has controls that would lose the focus. */
  #list(shown: readonly ShownRun[], current: RunRecord | null): void {
    const live = this.#live?.id ?? null;
    const states = shown.map(({ record: { id, status, outcome } }) => [
      id,
      status,
      outcome !== null,
      this.#hidden.has(id),
    ]);
    const listed = JSON.stringify([states, current?.id, live]);
    if (listed === this.#listed) return;
    this.#listed = listed;
    this.#onFinished(shown.map(({ record }) => record).filter(({ status }) => status === "finished"));
    drawRuns(shown, this.#hidden, current, live, {
      look: (record) => void this.#look(record),
      remove: (record) => void this.#remove(record),
      show: ({ id }, isShown) => {
        if (isShown) this.#hidden.delete(id);
        else this.#hidden.add(id);
        this.#draw();
      },
      continue: (record) => {
        if (this.#live === null) this.#work(record, "run");
      },
    });
  }
}
