/** @file Calls over a channel: results, errors, functions, signals, memory that is handed over, ends. */
import { MessageChannel } from "node:worker_threads";
import { afterEach, expect, expectTypeOf, it } from "vitest";
import * as errors from "../../src/core/errors.js";
import { ArgumentError, ShapeError, ThreadError } from "../../src/core/errors.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { type Connection, connect, type Handlers, serve, transfer } from "../../src/worker/index.js";
import { CLASSES } from "../../src/worker/port.js";
import { disposeLater } from "../leaks.js";

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

/** Both sides in this process, each on its end of a channel. */
function pair<H extends Handlers>(handlers: H): Connection<H> {
  const { port1, port2 } = new MessageChannel();
  open.push(() => port1.close());
  serve(handlers, port2 as never);
  const outer = {
    postMessage: (message: unknown, list: ArrayBuffer[]) => port1.postMessage(message, list),
    on: (type: string, listener: (value: unknown) => void) => type === "message" && port1.on("message", listener),
    terminate: () => port1.close(),
  };
  return connect<H>(outer);
}

it("gives results, of promises too, each to its call", async () => {
  const far = pair({
    add: (a: number, b: number) => a + b,
    later: async (n: number) => {
      await new Promise((resolve) => setTimeout(resolve, 10 - n));
      return n;
    },
  });
  expectTypeOf(far.call("add", 1, 2)).toEqualTypeOf<Promise<number>>();
  expect(await far.call("add", 1, 2)).toBe(3);
  expect(await Promise.all([1, 5, 9].map((n) => far.call("later", n)))).toEqual([1, 5, 9]);
});

it("errors of the library arrive as what they are, others with name and message", async () => {
  const far = pair({
    shape: () => {
      throw new ShapeError({ op: "add", what: "bad", expected: "[2]", got: "[3]", hint: "reshape" });
    },
    type: async () => {
      throw new TypeError("no");
    },
    text: () => {
      throw "words";
    },
  });
  const error = await far.call("shape").catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ShapeError);
  expect(error).toMatchObject({ op: "add", expected: "[2]", got: "[3]", hint: "reshape", name: "ShapeError" });
  expect((error as Error).message).toBe("add: bad; expected [2], got [3]; reshape");
  expect((error as Error).stack).toContain("worker.test");
  await expect(far.call("type")).rejects.toMatchObject({ name: "TypeError", message: "no" });
  await expect(far.call("text")).rejects.toThrow("words");
  await expect(far.call("none" as "text")).rejects.toThrow(
    /unknown function of the worker; expected shape, type, text/,
  );
  await expect(far.call("toString" as "text")).rejects.toThrow(ArgumentError);
});

it("every error of the library is known", () => {
  expect(Object.keys(CLASSES).sort()).toEqual(Object.keys(errors).sort());
});

it("functions among the arguments are told, and what they throw fails the call", async () => {
  const far = pair({
    count: async (to: number, tell: (n: number) => void, { also }: { also: (n: number) => void }) => {
      for (let n = 0; n < to; n++) {
        tell(n);
        also(-n);
      }
      return to;
    },
  });
  const told: number[] = [];
  expect(await far.call("count", 3, (n) => void told.push(n), { also: (n) => void told.push(n) })).toBe(3);
  expect(told.map((n) => n + 0)).toEqual([0, 0, 1, -1, 2, -2]);
  const fails = () => {
    throw new RangeError("enough");
  };
  await expect(far.call("count", 3, fails, { also: () => {} })).rejects.toThrow("enough");
});

it("signals are followed, also those that are aborted already", async () => {
  const far = pair({
    wait: ({ signal }: { signal: AbortSignal }) =>
      new Promise((_, reject) => {
        if (signal.aborted) reject(signal.reason);
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
  });
  const stop = new AbortController();
  const call = far.call("wait", { signal: stop.signal });
  stop.abort(new Error("stop now"));
  await expect(call).rejects.toThrow("stop now");
  await expect(far.call("wait", { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
});

it("memory is copied unless it is handed over, there and back", async () => {
  const kept = Float32Array.of(1, 2);
  const far = pair({
    same: (value: Float32Array) => value,
    keep: () => transfer([kept]),
    length: () => kept.length,
  });
  const [copied, given] = [Float32Array.of(3), Float32Array.of(4)];
  expect(await far.call("same", copied)).toEqual(copied);
  expect(await far.call("same", transfer(given))).toEqual(Float32Array.of(4));
  expect([copied.length, given.length]).toEqual([1, 0]);
  expect(await far.call("keep")).toEqual([Float32Array.of(1, 2)]);
  expect(await far.call("length")).toBe(0);
  expect(() => transfer(1 as never)).toThrow(ArgumentError);
});

it("tensors do not cross, in either direction", async () => {
  const array = disposeLater(NDArray.from([1, 2], [2]));
  const far = pair({ same: (value: unknown) => value, make: () => ({ a: [array] }) });
  await expect(far.call("same", [array])).rejects.toThrow(/cannot leave its side.*toTypedArray/);
  await expect(far.call("make")).rejects.toThrow(ArgumentError);
  expect(() => transfer(array)).toThrow(ArgumentError);
  expect(await far.call("same", 1)).toBe(1);
});

it("what ends fails the calls that wait, and later ones", async () => {
  const far = pair({ never: () => new Promise(() => {}) });
  const call = far.call("never");
  far.terminate();
  far.terminate();
  await expect(call).rejects.toThrow(ThreadError);
  await expect(far.call("never")).rejects.toThrow(/ended before it answered/);
});

it("doors refuse what is no worker and no function", () => {
  expect(() => connect({} as never)).toThrow(/expected a Worker/);
  expect(() => serve({ a: 1 } as never)).toThrow(/handler a; expected a function/);
  expect(() => serve({})).toThrow(ThreadError);
});
