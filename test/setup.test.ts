/** @file The watch over leaks (setup.ts) itself: it fails who leaks, and only them. */
import { closeSync, existsSync, openSync } from "node:fs";
import { createServer } from "node:net";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { scope, scopeDepth } from "../src/memory/index.js";
import { NDArray } from "../src/ndarray/ndarray.js";
import { DESCRIPTORS, liveThreads, opened, openedSince } from "./handles.js";
import { disposeLater, expectSurvivors, hurry } from "./leaks.js";

const array = (): NDArray => NDArray.empty([2], "f32");
const leaked: NDArray[] = [];

describe("the watch over leaks", () => {
  it.fails("fails a test that leaves an array", () => {
    leaked.push(array());
  });

  it("lets arrays that were there before go", () => {
    expect(leaked).toHaveLength(1);
    leaked[0].dispose();
    expectSurvivors(-1);
  });

  it.fails("fails a test that leaves a scope open", () => {
    scope();
  });

  it("closes the scopes that a test left open", () => {
    expect(scopeDepth()).toBe(0);
  });

  it("frees what is to be disposed of later", () => {
    expect(disposeLater(array()).size).toBe(2);
  });

  it.fails("fails a test that declares survivors and has none", () => {
    expectSurvivors(1);
  });

  it("passes a test that declares its survivors", () => {
    leaked.push(array());
    expectSurvivors(1);
  });

  it("does not carry a declaration to the next test", () => {
    scope(() => void array());
    leaked[1].dispose();
    expectSurvivors(-1);
  });
});

describe.skipIf(!existsSync(DESCRIPTORS))("the watch over files", () => {
  let file = -1;

  it.fails("fails a test that leaves a file open", () => {
    hurry(50);
    file = openSync(import.meta.filename, "r");
  });

  it("passes a test that closes its files, also another's", () => {
    closeSync(file);
    closeSync(openSync(import.meta.filename, "r"));
  });
});

describe("the watch over threads, sockets and child processes", () => {
  it("sees a thread until it has ended, also one that keeps no process alive", async () => {
    const before = opened();
    const worker = new Worker("setInterval(() => {}, 1000)", { eval: true });
    worker.unref();
    expect(await openedSince(before, 50)).toEqual(["1 threads"]);
    await worker.terminate();
    expect(liveThreads().has(worker)).toBe(false);
    expect(await openedSince(before)).toEqual([]);
  });

  it("sees a server until it has closed", async () => {
    const before = opened();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    expect(await openedSince(before, 50)).toEqual(["TCPServerWrap"]);
    server.close();
    expect(await openedSince(before)).toEqual([]);
  });
});
