/** @file A proxy from its code. Runs in a worker, which is ended if the code does not come back. */
import type { CoarseProxy } from "coarsegrad/quant";

/** Places where a proxy has to give a number. */
const PLACES = [-3, -1, -0.5, -1e-6, 0, 1e-6, 0.25, 0.5, 1, 1.5, 3];

/** @throws Error that says what is wrong with the code */
export function compileProxy(code: string): CoarseProxy {
  let made: unknown;
  try {
    // What is written here runs in the writer's own browser, in a worker without the page.
    made = new Function(`"use strict"; return (${code}\n);`)();
  } catch (error) {
    throw new Error(`This is no JavaScript: ${(error as Error).message}`);
  }
  if (typeof made !== "function") {
    throw new Error("Expected a function of x, alpha and top, such as (x) => (x > 0 ? 1 : 0).");
  }
  const dx = made as CoarseProxy["dx"];
  for (const x of PLACES) {
    let value: unknown;
    try {
      value = dx(x, 1, 1);
    } catch (error) {
      throw new Error(`It throws at x = ${x}: ${(error as Error).message}`);
    }
    if (typeof value !== "number" || !Number.isFinite(value)) {
      throw new Error(`It has to give a finite number; at x = ${x} it gives ${String(value)}.`);
    }
  }
  return { name: "own", dx };
}
