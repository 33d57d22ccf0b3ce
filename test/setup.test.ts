/** @file The watch over leaks (setup.ts) itself: it fails who leaks, and only them. */
import { describe, expect, it } from "vitest";
import { scope, scopeDepth } from "../src/memory/index.js";
import { NDArray } from "../src/ndarray/ndarray.js";
import { disposeLater, expectSurvivors } from "./leaks.js";

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
