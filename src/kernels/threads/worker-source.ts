/**
 * @file What a worker runs, as text: it needs no file beside the library, no bundler settings and nothing but a Web
 * Worker or a Node worker. A function's own text would not do, since bundlers and test tools write helpers into
 * functions.
 */
import * as control from "./control.js";

/**
 * Microseconds for which a worker without work looks for more before it sleeps: longer than JavaScript takes from
 * kernel to kernel.
 */
const SPIN_MICROSECONDS = 50;

/** A script for a classic or module worker, or for Node's `new Worker(source, { eval: true })`. */
export const WORKER_SOURCE = `"use strict";
const { ${Object.keys(control).join(", ")} } = ${JSON.stringify({ ...control })};
const inNode = typeof WorkerGlobalScope === "undefined";
const port = inNode ? require("node:worker_threads").parentPort : self;

function work({ module, memory, block, number }) {
  const words = new Int32Array(block);
  const numbers = new Float64Array(block);
  const kernels = Object.values(new WebAssembly.Instance(module, { env: { memory } }).exports);

  function call(index) {
    const count = words[COUNT]; // once the last call is done, the block may hold the next job
    try {
      const start = ARGUMENTS + index * MAX_ARGUMENTS;
      const list = Array.from(numbers.subarray(start, start + words[ARITY]));
      if (words[WORK] >= 0) list[words[WORK]] += number * words[WORK_STRIDE];
      numbers[RESULTS + index] = kernels[words[KERNEL]](...list);
    } catch {
      Atomics.store(words, FAILED, number);
    }
    if (Atomics.add(words, DONE, 1) + 1 === count) Atomics.notify(words, DONE);
  }

  port.postMessage("ready");
  let idleSince = 0;
  while (Atomics.load(words, STOP) === 0) {
    const next = Atomics.load(words, NEXT);
    const limit = Atomics.load(words, LIMIT);
    if (next !== limit) {
      if (Atomics.compareExchange(words, NEXT, next, (next + 1) | 0) === next) call((next - words[BASE]) | 0);
      idleSince = 0;
      continue;
    }
    for (let i = 0; i < 64 && Atomics.load(words, LIMIT) === limit; i++);
    const now = performance.now();
    if (idleSince === 0) idleSince = now;
    if (now - idleSince < ${SPIN_MICROSECONDS / 1000}) continue;
    Atomics.add(words, SLEEPERS, 1);
    Atomics.wait(words, LIMIT, limit);
    Atomics.sub(words, SLEEPERS, 1);
    idleSince = 0;
  }
  port.close();
}

if (inNode) port.once("message", work);
else port.onmessage = (event) => work(event.data);
`;
