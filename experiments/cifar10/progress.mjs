/** @file How far the study is: one line for what runs, and when the rest will be done. */

/** Images that a job trains in a second, until it was measured here (two at a time on two threads of an AMD EPYC). */
const GUESS = { resnet20: 185, vgg11: 50 };
/** Tests, packing and verification after the epochs. */
const AFTER_SECONDS = 90;

export class Progress {
  /**
   * @type {Map<string, { run: import("./study.mjs").Run, label: string, share: number, details: string, started:
   * number, first: number }>}
   */
  #running = new Map();
  /** Seconds of a training image, its share of the epoch's test included. */
  #perImage = new Map();

  /** @param {{ jobs: number, write: (line: string) => void }} options */
  constructor({ jobs, write }) {
    this.jobs = jobs;
    this.write = write;
  }

  /** @param {import("./study.mjs").Run} run @param {readonly { seconds: number }[]} metrics epochs that are done */
  learn(run, metrics) {
    if (metrics.length === 0) return;
    const seconds = metrics.reduce((sum, row) => sum + row.seconds, 0) / metrics.length;
    this.#perImage.set(kindOf(run), seconds / run.images);
  }
  start(run) {
    this.#running.set(run.id, { run, label: "starts", share: 0, details: "", started: Date.now(), first: Number.NaN });
  }
  update(run, { label, done, total, details }) {
    const entry = this.#running.get(run.id);
    if (entry === undefined) return;
    const share = done / Math.max(1, total);
    if (label.startsWith("train") && Number.isNaN(entry.first))
      Object.assign(entry, { first: share, started: Date.now() });
    Object.assign(entry, { label: label.split(" ")[0], share, details });
  }
  end(run) {
    this.#running.delete(run.id);
  }

  /** Seconds that a run takes from its beginning. */
  secondsOf(run) {
    if (run.kind === "eval" || run.epochs === 0) return AFTER_SECONDS;
    const ofImage = this.#perImage.get(kindOf(run)) ?? 1 / (GUESS[run.model] ?? 100);
    return run.epochs * run.images * ofImage + AFTER_SECONDS;
  }

  #secondsLeft({ run, label, share, first, started }) {
    if (label !== "train") return label === "starts" ? this.secondsOf(run) : AFTER_SECONDS * (1 - share);
    const elapsed = (Date.now() - started) / 1000;
    const fresh = share - first;
    const training = fresh > 0.002 ? (elapsed * (1 - share)) / fresh : (1 - share) * this.secondsOf(run);
    return training + AFTER_SECONDS;
  }

  /** @param {readonly import("./study.mjs").Run[]} waiting @param {number} done @param {number} total */
  show(waiting, done, total) {
    const running = [...this.#running.values()];
    const work = running.reduce((sum, entry) => sum + this.#secondsLeft(entry), 0);
    const rest = waiting.reduce((sum, run) => sum + this.secondsOf(run), 0);
    const time = new Date().toTimeString().slice(0, 5);
    this.write(`${time}  ${done} of ${total} done, ${hours((work + rest) / this.jobs)} left`);
    for (const { run, label, share, details } of running) {
      this.write(`       ${run.id}  ${label} ${Math.floor(100 * share)} %  ${details ?? ""}`);
    }
  }
}

function kindOf({ model, bits }) {
  return `${model} ${bits}`;
}

/** @param {number} seconds */
export function hours(seconds) {
  const minutes = Math.max(1, Math.round(seconds / 60));
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}
