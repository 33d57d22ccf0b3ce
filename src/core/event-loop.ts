/** @file Turns of the event loop between pieces of work. */

/** Lets timers, input and input/output run. `setTimeout` would cost 4 ms a batch in browsers. */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    // Node's own; browsers, and their types, do not have it.
    const { setImmediate } = globalThis as { setImmediate?: (run: () => void) => unknown };
    if (setImmediate !== undefined) {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
