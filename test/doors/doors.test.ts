/**
 * @file Every export of every public entry, called with hostile arguments: the outcome is a value or an error of the
 * library, never one of the language or of WebAssembly, and afterwards a known computation has its known bits.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { tensor } from "../../src/autograd/functions.js";
import { setDefaultRng } from "../../src/autograd/random.js";
import { Tensor } from "../../src/autograd/tensor.js";
import { CoarsegradError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { DataLoader, digits } from "../../src/data/index.js";
import { pack } from "../../src/export/index.js";
import { createSession } from "../../src/infer/index.js";
import { memory } from "../../src/kernels/index.js";
import { Scope, scope } from "../../src/memory/scope.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { BatchNorm1d, Conv2d, Dropout, Linear, type Module, Parameter, ReLU, Sequential } from "../../src/nn/index.js";
import { Adam, BCGD, SGD } from "../../src/optim/index.js";
import { binary, prepare, Staircase } from "../../src/quant/index.js";
import { HOSTILE, hostileArrays, hostileTensors, knownBits } from "../hostile.js";
import { ownMemory } from "../leaks.js";
import { type Door, doorsOf, ENTRIES, methodsOf } from "./entries.js";

ownMemory("accepted calls make things that nobody but the collector can tell apart from what they were given");

/**
 * Doors that do by design what a test must not: fetch, or draw thousands of images or millions of weights again and
 * again.
 */
const RARE = /download|resnet|alexnet|vgg|experiments|digits/i;

const count = { calls: 0, accepted: 0, refused: 0 };

const dataset = digits({ train: 12, test: 4 }).train;
const net = (): Module => new Sequential(new Linear(4, 3), new BatchNorm1d(3), new ReLU(), new Linear(3, 2));

/** Things of the library and of the language, one of which each call is handed in each place. */
function arsenal(): (readonly [name: string, value: unknown])[] {
  const other = net();
  return [
    ...HOSTILE,
    ...hostileArrays(),
    ...hostileTensors(),
    ["a network", other],
    ["a parameter", new Parameter(NDArray.zeros([3, 2]))],
    ["parameters", other.parameters()],
    ["an optimizer", new SGD(net().parameters(), { lr: 0.1 })],
    ["a generator", new Rng(1)],
    ["images", dataset],
    ["a loader", new DataLoader(dataset, { batch: 4 })],
    ["a list of tensors", [tensor([1, 2])]],
    ["a long text", "x".repeat(1000)],
  ];
}

/** What a call left behind is freed as far as it says how. */
function release(value: unknown): void {
  if (value instanceof Scope) value.close();
  const { dispose } = (value ?? {}) as { dispose?: unknown };
  if (typeof dispose === "function" && !(value instanceof Promise)) dispose.call(value);
}

/** Arrays that a returned value holds must be alive and as long as they say. */
function soundness(value: unknown): string | null {
  const arrays = value instanceof NDArray ? [value] : value instanceof Tensor ? [value.data] : [];
  for (const array of arrays) {
    if (!array.alive) return "a dead array";
    if (array.view().length !== array.shape.reduce((a, b) => a * b, 1)) return "an array of another length";
  }
  return null;
}

/** Calls once; words for what is wrong, or null. */
async function outcome(call: () => unknown): Promise<string | null> {
  count.calls++;
  const opened = scope();
  let inside = true;
  const close = (): void => {
    if (inside) opened.close();
    inside = false;
  };
  try {
    let result = call();
    if (result instanceof Promise) {
      close(); // a scope must not be open while others run
      result = await result;
    }
    const fault = soundness(result);
    release(result);
    count.accepted++;
    return fault;
  } catch (error) {
    count.refused++;
    if (error instanceof CoarsegradError && !error.message.includes("internal:")) return null;
    const { name, message, stack } = error as Error;
    return `${name}: ${message} @ ${/src\/[\w/.-]+:\d+/.exec(stack ?? "")?.[0] ?? "?"}`;
  } finally {
    close();
  }
}

/** Hostile calls of one function: nothing, one value in each of three places, and drawn pairs and triples. */
async function besiege(name: string, call: (args: readonly unknown[]) => unknown, pairs: number): Promise<string[]> {
  setDefaultRng(new Rng(1)); // some calls may rightly change it
  const rng = new Rng(name);
  const weapons = arsenal();
  const draw = () => weapons[rng.int(weapons.length)];
  const attempts: (readonly (readonly [string, unknown])[])[] = [[], ...weapons.map((weapon) => [weapon])];
  for (let i = 0; i < pairs; i++) attempts.push([draw(), draw()]);
  for (let i = 0; i < pairs; i++) attempts.push([draw(), draw(), draw()]);
  const faults: string[] = [];
  for (const attempt of attempts) {
    const fault = await outcome(() => call(attempt.map(([, value]) => value)));
    if (fault !== null) faults.push(`${name}(${attempt.map(([words]) => words).join("; ")}): ${fault}`);
  }
  return faults;
}

let folder = "";
const home = process.cwd();
let bits = "";
beforeAll(() => {
  // What writes files by relative names writes them here.
  folder = mkdtempSync(path.join(tmpdir(), "coarsegrad-doors-"));
  process.chdir(folder);
  for (const method of ["warn", "log", "error", "info"] as const)
    vi.spyOn(console, method).mockImplementation(() => undefined);
  bits = knownBits();
});
afterAll(() => {
  vi.restoreAllMocks();
  process.chdir(home);
  rmSync(folder, { recursive: true, force: true });
  console.log(`hostile arguments: ${count.calls} calls, ${count.accepted} accepted, ${count.refused} refused`);
});

const shown = (faults: readonly string[]): string => `${faults.length} faults\n${faults.slice(0, 40).join("\n")}`;

describe("every entry of package.json", () => {
  it("is attacked", () => {
    const { exports } = JSON.parse(readFileSync(path.join(home, "package.json"), "utf8"));
    const code = Object.keys(exports).filter((name) => !/\.(wasm|json)$/.test(name));
    expect(Object.keys(ENTRIES).sort()).toEqual(code.sort());
  });
});

describe.each(Object.keys(ENTRIES))("%s", (entry) => {
  const doors: Door[] = doorsOf(entry);
  it.each(doors.map((door) => [door.name, door] as const))("%s", async (name, door) => {
    const faults = await besiege(name, (args) => door.call(args), RARE.test(name) ? 0 : 60);
    expect(knownBits()).toBe(bits);
    expect(faults, shown(faults)).toEqual([]);
  });
});

/** Objects whose methods are doors too. */
const OBJECTS: Record<string, () => object> = {
  Tensor: () =>
    tensor(
      [
        [1, 2],
        [3, 4],
      ],
      { requiresGrad: true },
    ),
  NDArray: () => NDArray.from([1, 2, 3, 4], [2, 2]),
  Rng: () => new Rng(1),
  Parameter: () => new Parameter(NDArray.zeros([2, 3])),
  Sequential: net,
  Conv2d: () => new Conv2d(2, 3, 3),
  Dropout: () => new Dropout(0.5),
  Staircase: () => new Staircase({ bits: 4 }),
  SGD: () => new SGD(net().parameters(), { lr: 0.1, momentum: 0.9 }),
  Adam: () => new Adam(net().parameters()),
  BCGD: () => new BCGD(prepare(net(), { weights: binary(), activations: 4 }).parameters(), { lr: 0.1 }),
  DataLoader: () => new DataLoader(dataset, { batch: 4 }),
  Session: () => createSession(pack(prepare(net(), { weights: 1, activations: 4 }).eval(), { inputShape: [4] })),
};

/** What subclasses alone may call: no door. */
const PROTECTED = new Set([
  "describe",
  "checkInput",
  "dropValue",
  "slot",
  "count",
  "update",
  "checkTogether",
  "resultOf",
  "pairedBy",
]);

describe.each(Object.entries(OBJECTS))("methods of %s", (kind, make) => {
  it.each(
    methodsOf(scope(make))
      .filter((name) => !PROTECTED.has(name))
      .map((name) => [name]),
  )("%s", async (method) => {
    const faults = await besiege(
      `${kind}#${method}`,
      (args) => {
        const object = make() as Record<string, (...args: unknown[]) => unknown>;
        let result: unknown;
        try {
          result = object[method](...args);
          return result;
        } finally {
          // What hands back the object itself is looked at first, and freed by whoever looks.
          if (result !== object && !["DataLoader", "Tensor", "NDArray", "Rng"].includes(kind)) release(object);
        }
      },
      20,
    );
    expect(knownBits()).toBe(bits);
    expect(faults, shown(faults)).toEqual([]);
  });
});

it("memory is what the survivors hold", () => {
  expect(memory().bytes).toBeGreaterThanOrEqual(0);
});
