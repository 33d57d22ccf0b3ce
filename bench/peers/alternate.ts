/**
 * @file Measures several implementations of one work in turns: round after round, each once, in an order that rotates.
 * What disturbs the machine disturbs all of them alike, so that ratios hold where times do not.
 */

/** One implementation. */
export interface Contender {
  readonly name: string;
  /** Threads that it runs on; default 1. */
  readonly threads?: number;
  /** Does the work `calls` times. @returns milliseconds for one */
  sample(calls: number): number | Promise<number>;
}

/** What one implementation showed; `ratio` is its time over that of the first contender. */
export interface Measured {
  readonly name: string;
  readonly threads: number;
  /** Median of the rounds. */
  readonly ms: number;
  /** Lower decile of the rounds. */
  readonly msFast: number;
  /** Median of the rounds' own ratios. */
  readonly ratio: number;
  /** Ratio of the lower deciles. */
  readonly ratioFast: number;
}

/** How long to measure. */
export interface Budget {
  /** Milliseconds for all contenders together. */
  readonly time: number;
  /** Rounds at least, unless they take {@link PATIENCE} times as long. */
  readonly rounds: number;
  /** Milliseconds that one sample should last: long against the clock's grain, short against the scheduler's slices. */
  readonly sample: number;
}

/** How far the time may be exceeded for the least number of rounds. */
const PATIENCE = 8;

/** A contender that calls a function in this process. */
export function local(name: string, run: () => unknown): Contender {
  return {
    name,
    async sample(calls) {
      const start = performance.now();
      for (let call = 0; call < calls; call++) {
        const done = run();
        if (done instanceof Promise) await done;
      }
      return (performance.now() - start) / calls;
    },
  };
}

/** The quantile of unsorted values, the nearest below. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * q)];
}

/** Warms all contenders up, then measures them in turns. The first one is what the others are compared with. */
export async function alternate(contenders: readonly Contender[], budget: Budget): Promise<Measured[]> {
  const calls: number[] = [];
  for (const contender of contenders) {
    await contender.sample(1);
    // Twice, so that the engine has optimized what is measured.
    let once = await contender.sample(1);
    once = await contender.sample(Math.max(1, Math.min(1000, Math.round(budget.sample / once))));
    calls.push(Math.max(1, Math.round(budget.sample / once)));
  }
  const times: number[][] = contenders.map(() => []);
  const start = performance.now();
  const goesOn = (round: number): boolean => {
    const passed = performance.now() - start;
    return passed < budget.time || (round < budget.rounds && passed < PATIENCE * budget.time);
  };
  for (let round = 0; goesOn(round); round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const at = (round + turn) % contenders.length;
      times[at].push(await contenders[at].sample(calls[at]));
    }
  }
  return contenders.map(({ name, threads = 1 }, at) => {
    const ms = quantile(times[at], 0.5);
    const msFast = quantile(times[at], 0.1);
    const ratio = quantile(
      times[at].map((time, round) => time / times[0][round]),
      0.5,
    );
    return { name, threads, ms, msFast, ratio, ratioFast: msFast / quantile(times[0], 0.1) };
  });
}
