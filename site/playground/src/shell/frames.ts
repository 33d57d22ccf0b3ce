/** @file Drawing in small parts: one a frame, so that none of them holds the page up. */

const waiting = new Map<string, () => void>();
let asked = false;

/** Runs `work` in one of the next frames; what waits under the same name is replaced. */
export function inAFrame(name: string, work: () => void): void {
  waiting.set(name, work);
  ask();
}

function ask(): void {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    const [first] = waiting;
    if (first === undefined) return;
    waiting.delete(first[0]);
    first[1]();
    if (waiting.size > 0) ask();
  });
}
