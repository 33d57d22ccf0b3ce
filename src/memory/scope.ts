/** @file Scopes: everything made inside is freed at the end, except what is returned or kept. Synchronous by rule. */
import { callable, check } from "../core/checks.js";
import { isMap, isPlainObject, isSet } from "../core/containers.js";
import { DISPOSE } from "../core/dispose.js";
import { ScopeError } from "../core/errors.js";
import { observers } from "./observer.js";

/** Anything that owns heap memory and can be told to let go. */
export interface Owner {
  /** Frees the memory; a second call does nothing. */
  dispose(): void;
  /** The scope that will free this, or null if nobody will. Set by the scope machinery alone. */
  scope: Scope | null;
}

/** Objects that hold owners (a tensor holds its array and its gradient) list them under this key. */
export const OWNED: unique symbol = Symbol.for("coarsegrad.owned");

/** Something whose owners survive a scope when it is returned from it or kept. */
export interface Holder {
  [OWNED](): Iterable<Owner>;
}

const stack: Scope[] = [];

/**
 * A set of owners that live until it is closed. Made by {@link scope}; `using s = scope()` closes it at the end of the
 * block.
 */
export class Scope {
  /**
   * What it owns, and gaps: owners that have left, which name another scope or none. A set would take longer than most
   * kernels.
   */
  #owned: Owner[] = [];
  #size = 0;
  readonly #parent: Scope | null;
  #open = true;

  constructor() {
    this.#parent = currentScope();
    stack.push(this);
  }

  /** Number of live items that the scope will free. */
  get size(): number {
    return this.#size;
  }
  /** Makes this scope the one that frees `item`. */
  add(item: Owner): void {
    if (item.scope === this) return;
    item.scope?.release(item);
    if (this.#owned.length > 2 * this.#size + 32) {
      this.#owned = [...new Set(this.#owned)].filter((owner) => owner.scope === this);
    }
    item.scope = this;
    this.#owned.push(item);
    this.#size++;
  }
  /** Lets go of an item without freeing it. */
  release(item: Owner): void {
    if (item.scope !== this) return;
    item.scope = null;
    this.#size--;
  }
  /** Lets one owner survive; see {@link keep}. */
  pass(item: Owner): void {
    if (item.scope !== this) return;
    item.scope = null;
    this.#size--;
    this.#parent?.add(item);
  }
  /**
   * Lets everything inside `value` (tensors, arrays, and lists, maps and plain objects of them) survive this scope; the
   * enclosing scope takes it over. @returns value itself
   */
  keep<T>(value: T): T {
    for (const item of ownersIn(value)) this.pass(item);
    return value;
  }
  /** Lets everything that it owns survive: the enclosing scope takes it over, or nobody. */
  handOver(): void {
    for (const item of this.#owned) this.pass(item);
    this.#owned = [];
  }
  /** Frees everything that it owns. A second call does nothing. @throws ScopeError if an inner scope is still open. */
  close(): void {
    if (!this.#open) return;
    if (stack[stack.length - 1] !== this) {
      throw new ScopeError({
        op: "scope",
        what: "closed out of order",
        expected: "the innermost scope",
        got: "an outer one",
        hint: "close inner scopes first, or write `using s = scope()`",
      });
    }
    stack.pop();
    this.#open = false;
    const owned = this.#owned;
    for (let i = 0; i < owned.length; i++) {
      const item = owned[i];
      if (item.scope !== this) continue;
      item.scope = null;
      item.dispose();
    }
    this.#owned = [];
    this.#size = 0;
  }
  [DISPOSE](): void {
    this.close();
  }
}

/** The owners in a value; `path` holds the containers around it, so that one that holds itself is walked once. */
function* ownersIn(value: unknown, path: readonly unknown[] = []): Iterable<Owner> {
  if (typeof value !== "object" || value === null) return;
  if (OWNED in value) {
    yield* (value as Holder)[OWNED]();
    return;
  }
  const items = itemsOf(value);
  if (items === null || path.includes(value)) return;
  for (const item of items) {
    if (typeof item === "object") yield* ownersIn(item, [...path, value]);
  }
}

/** What a list, set, map or plain object holds; null for everything else. */
function itemsOf(value: object): Iterable<unknown> | null {
  if (Array.isArray(value) || isSet(value)) return value;
  if (isMap(value)) return value.values();
  return isPlainObject(value) ? Object.values(value) : null;
}

/** True for promises of every realm, and for whatever else `await` would wait for. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

/** The innermost open scope, or null. */
export function currentScope(): Scope | null {
  return stack.length === 0 ? null : stack[stack.length - 1];
}

/** Number of scopes that are open. */
export function scopeDepth(): number {
  return stack.length;
}

/** Registers a new owner with the innermost scope, if there is one. */
export function track(item: Owner): void {
  currentScope()?.add(item);
  if (observers.length > 0) for (const observer of observers) observer.made(item);
}

/** Takes an owner out of its scope: it lives until it is disposed of. Parameters and optimizer state do this. */
export function untrack(item: Owner): void {
  item.scope?.release(item);
}

/**
 * Opens a scope that `using` closes at the end of the block; then every array made inside is freed, except parameters,
 * optimizer state and what is kept.
 *
 * @returns the open scope
 * @example
 * using step = scope();
 */
export function scope(): Scope;
/**
 * Runs a function and frees every array made inside, except parameters, optimizer state and what is returned or kept.
 *
 * @param fn synchronous; what it returns (tensors, arrays, lists, maps and plain objects of them) survives
 * @returns what `fn` returns, owned by the enclosing scope or by the caller
 * @throws ScopeError if `fn` is async or returns a promise: other code would run inside the scope; ArgumentError if it
 * is no function
 * @example
 * const loss = scope(() => crossEntropy(net.forward(x), y).item());
 */
export function scope<T>(fn: () => T): T;
export function scope<T>(fn?: () => T): Scope | T {
  if (fn !== undefined) check("scope", "function", fn, callable);
  const opened = new Scope();
  if (fn === undefined) return opened;
  try {
    const result = fn();
    if (isThenable(result)) {
      result.then(undefined, () => undefined);
      throw new ScopeError({
        op: "scope",
        what: "async function inside a scope",
        expected: "a synchronous function",
        got: "a promise",
        hint: "await outside, and open a scope around each synchronous step",
      });
    }
    return opened.keep(result);
  } finally {
    closeDownTo(opened);
  }
}

/** Closes `outer` and whatever an exception left open inside it. */
function closeDownTo(outer: Scope): void {
  while (stack.includes(outer)) stack[stack.length - 1].close();
}
