import { describe, expect, it } from "vitest";
import { ScopeError } from "../../src/core/errors.js";
import {
  currentScope,
  OWNED,
  type Owner,
  type Scope,
  scope,
  scopeDepth,
  track,
  untrack,
} from "../../src/memory/index.js";

class Thing implements Owner {
  scope: Scope | null = null;
  disposed = 0;
  constructor() {
    track(this);
  }
  dispose(): void {
    this.disposed++;
  }
  *[OWNED](): Iterable<Owner> {
    yield this;
  }
}

describe("scope", () => {
  it("frees what was made inside, and nothing made outside", () => {
    const outside = new Thing();
    let inside: Thing | undefined;
    scope(() => {
      inside = new Thing();
    });
    expect(inside?.disposed).toBe(1);
    expect(outside.disposed).toBe(0);
    expect(outside.scope).toBeNull();
  });

  it("lets returned things survive, however they are nested, into the enclosing scope", () => {
    const outer = scope();
    const { a, rest } = scope(() => ({ a: new Thing(), rest: [new Map([["b", new Thing()]]), { c: [new Thing()] }] }));
    expect(a.disposed).toBe(0);
    expect(a.scope).toBe(outer);
    outer.close();
    expect(a.disposed).toBe(1);
    expect((rest[0] as Map<string, Thing>).get("b")?.disposed).toBe(1);
  });

  it("closes at the end of a block with using", () => {
    let thing: Thing;
    {
      using opened = scope();
      thing = new Thing();
      expect(currentScope()).toBe(opened);
    }
    expect(thing.disposed).toBe(1);
    expect(scopeDepth()).toBe(0);
  });

  it("keeps and untracks on request", () => {
    const opened = scope();
    const kept = opened.keep(new Thing());
    const untracked = new Thing();
    untrack(untracked);
    opened.close();
    expect(kept.disposed).toBe(0);
    expect(untracked.disposed).toBe(0);
  });

  it("frees and unwinds when the function throws, inner scopes left open included", () => {
    const things: Thing[] = [];
    expect(() =>
      scope(() => {
        things.push(new Thing());
        scope();
        things.push(new Thing());
        throw new Error("boom");
      }),
    ).toThrow("boom");
    expect(things.map((thing) => thing.disposed)).toEqual([1, 1]);
    expect(scopeDepth()).toBe(0);
  });

  it("refuses async functions and closing out of order", () => {
    expect(() => scope(async () => 1)).toThrow(ScopeError);
    expect(() => scope(async () => 1)).toThrow(
      "scope: async function inside a scope; expected a synchronous function, got a promise",
    );
    const outer = scope();
    const inner = scope();
    expect(() => outer.close()).toThrow("scope: closed out of order");
    inner.close();
    outer.close();
    outer.close();
    expect(scopeDepth()).toBe(0);
  });

  it("counts and frees each owner once, however often it leaves, comes back and moves", () => {
    const outer = scope();
    const inner = scope();
    const things = Array.from({ length: 50 }, () => new Thing());
    for (let round = 0; round < 40; round++) {
      for (const thing of things) inner.release(thing);
      expect(inner.size).toBe(0);
      for (const thing of things) inner.add(thing);
      expect(inner.size).toBe(50);
    }
    for (const thing of things.slice(0, 10)) outer.add(thing);
    expect([inner.size, outer.size]).toEqual([40, 10]);
    inner.keep(things.slice(10, 30));
    inner.release(things[30]);
    inner.close();
    expect([inner.size, outer.size]).toEqual([0, 30]);
    expect(things.map((thing) => thing.disposed)).toEqual(things.map((_, i) => (i > 30 ? 1 : 0)));
    outer.close();
    expect(things.map((thing) => thing.disposed)).toEqual(things.map((_, i) => (i === 30 ? 0 : 1)));
  });
});
