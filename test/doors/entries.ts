/**
 * @file Every public entry of the package by its import name, and every function, class and method that a caller finds
 * there.
 */
import * as data from "../../src/data/index.js";
import * as exporting from "../../src/export/index.js";
import * as root from "../../src/index.js";
import * as infer from "../../src/infer/index.js";
import * as inspect from "../../src/inspect/index.js";
import * as io from "../../src/io/index.js";
import * as models from "../../src/models/index.js";
import * as nn from "../../src/nn/index.js";
import * as node from "../../src/node/index.js";
import * as onnx from "../../src/onnx/index.js";
import * as optim from "../../src/optim/index.js";
import * as quant from "../../src/quant/index.js";
import * as run from "../../src/run/index.js";
import * as sound from "../../src/sound/index.js";
import * as theory from "../../src/theory/index.js";
import * as train from "../../src/train/index.js";
import * as worker from "../../src/worker/index.js";
import * as world from "../../src/world/index.js";

/** Entries as package.json names them. */
export const ENTRIES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  ".": root,
  "./data": data,
  "./export": exporting,
  "./infer": infer,
  "./inspect": inspect,
  "./io": io,
  "./models": models,
  "./nn": nn,
  "./node": node,
  "./onnx": onnx,
  "./optim": optim,
  "./quant": quant,
  "./run": run,
  "./sound": sound,
  "./theory": theory,
  "./train": train,
  "./worker": worker,
  "./world": world,
};

/** A function that a caller can call: an export, a class's constructor or static maker. */
export interface Door {
  /** As in `nn: new Conv2d`. */
  readonly name: string;
  call(args: readonly unknown[]): unknown;
}

const isClass = (value: unknown): value is new (...args: unknown[]) => unknown =>
  typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value));

/** The doors of one entry; namespaces (`arrays`, `init`) count as what they hold. */
export function doorsOf(entry: string, exports: Readonly<Record<string, unknown>> = ENTRIES[entry]): Door[] {
  return Object.entries(exports).flatMap(([name, value]): Door[] => {
    if (isClass(value)) {
      const statics = Object.getOwnPropertyNames(value).filter(
        (key) => !["length", "name", "prototype"].includes(key) && typeof value[key as never] === "function",
      );
      return [
        { name: `${entry}: new ${name}`, call: (args) => new value(...args) },
        ...statics.map((key) => ({
          name: `${entry}: ${name}.${key}`,
          call: (args: readonly unknown[]) =>
            (value as unknown as Record<string, (...a: unknown[]) => unknown>)[key](...args),
        })),
      ];
    }
    if (typeof value === "function") return [{ name: `${entry}: ${name}`, call: (args) => value(...args) }];
    if (typeof value === "object" && value !== null && Object.prototype.toString.call(value) === "[object Module]") {
      return doorsOf(`${entry} ${name}`, value as Record<string, unknown>);
    }
    return [];
  });
}

/** Names of the methods and setters of an object's class and its ancestors, up to Object. */
export function methodsOf(object: object): string[] {
  const names = new Set<string>();
  for (
    let type = Object.getPrototypeOf(object);
    type !== null && type !== Object.prototype;
    type = Object.getPrototypeOf(type)
  ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(type))) {
      if (name !== "constructor" && typeof value === "function") names.add(name);
    }
  }
  return [...names].sort();
}
