/** @file What a module holds: its own properties, walked through arrays, plain objects, maps and sets. */
import { isMap, isPlainObject, isSet } from "../core/containers.js";
import { ArgumentError } from "../core/errors.js";
import { snakeCase } from "./state.js";

/** A class whose own properties are named by a file has this; other names are written with underscores. */
export const EXACT_NAMES = Symbol("exact names");

/** Where a member sits: enough to put another in its place. */
export interface Member {
  readonly key: string;
  readonly value: unknown;
  /** @throws ArgumentError if its container is frozen */
  put(value: unknown): void;
  /** False if its container is frozen. */
  readonly writable: boolean;
}

/** A walk over one module's own properties. */
interface Walk {
  readonly members: Member[];
  /** Containers inside containers: each is walked once, so that cycles end. */
  readonly seen: Set<object>;
}

/**
 * The members of an object in order: own enumerable properties, and what their containers hold, however nested. Other
 * classes' instances are members, not walked.
 */
export function membersOf(owner: object): Member[] {
  const walk: Walk = { members: [], seen: new Set([owner]) };
  const own = owner as Record<string, unknown>;
  for (const name of Object.keys(own)) {
    const value = own[name];
    // Most properties: no closure, no look at what they are.
    if (typeof value === "object" && value !== null) {
      visit(
        walk,
        EXACT_NAMES in owner ? name : snakeCase(name),
        value,
        () => isWritable(own, name),
        (other) => {
          own[name] = other;
        },
      );
    }
  }
  return walk.members;
}

function visit(
  walk: Walk,
  key: string,
  value: object,
  writable: () => boolean,
  assign: (other: unknown) => void,
  nested = false,
): void {
  const isList = Array.isArray(value);
  if (!isList && !isPlainObject(value) && !isMap(value) && !isSet(value)) {
    walk.members.push({
      key,
      value,
      get writable() {
        return writable();
      },
      put(other) {
        if (!writable()) refuseFrozen(key);
        assign(other);
      },
    });
    return;
  }
  // Two properties that hold one list have both keys, as ever; below them, each container counts once.
  if (nested) {
    if (walk.seen.has(value)) return;
    walk.seen.add(value);
  }
  if (isList) visitList(walk, key, value);
  else if (isMap(value)) visitMap(walk, key, value);
  else if (isSet(value)) visitSet(walk, key, value);
  else visitRecord(walk, key, value as Record<string, unknown>);
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

function visitList(walk: Walk, key: string, list: unknown[]): void {
  for (let i = 0; i < list.length; i++) {
    const item = list[i];
    if (!isObject(item)) continue;
    visit(
      walk,
      `${key}.${i}`,
      item,
      () => isWritable(list, i),
      (other) => {
        list[i] = other;
      },
      true,
    );
  }
}

function visitRecord(walk: Walk, key: string, table: Record<string, unknown>): void {
  for (const name of Object.keys(table)) {
    // A getter computes: what it gives is nobody's member.
    const item = Object.getOwnPropertyDescriptor(table, name)?.value;
    if (!isObject(item)) continue;
    visit(
      walk,
      `${key}.${snakeCase(name)}`,
      item,
      () => isWritable(table, name),
      (other) => {
        table[name] = other;
      },
      true,
    );
  }
}

function visitMap(walk: Walk, key: string, map: Map<unknown, unknown>): void {
  let position = 0;
  for (const [name, item] of Map.prototype.entries.call(map)) {
    const own = ["string", "number", "bigint", "boolean"].includes(typeof name) ? String(name) : `${position}`;
    position++;
    if (!isObject(item)) continue;
    visit(
      walk,
      `${key}.${own}`,
      item,
      () => true,
      (other) => map.set(name, other),
      true,
    );
  }
}

function visitSet(walk: Walk, key: string, set: Set<unknown>): void {
  let position = 0;
  for (const item of Set.prototype.values.call(set)) {
    const at = position++;
    if (!isObject(item)) continue;
    visit(
      walk,
      `${key}.${at}`,
      item,
      () => true,
      (other) => {
        // Sets have no places: all go, and come back in their order.
        const items = [...set];
        set.clear();
        items.forEach((each, i) => {
          set.add(i === at ? other : each);
        });
      },
      true,
    );
  }
}

function isWritable(owner: object, name: string | number): boolean {
  const property = Object.getOwnPropertyDescriptor(owner, name);
  return property !== undefined && (property.writable === true || property.set !== undefined);
}

function refuseFrozen(key: string): never {
  throw new ArgumentError({
    op: "module",
    what: `the place of ${key} cannot be written`,
    expected: "a property, list or object that is not frozen",
    got: "one that is",
  });
}
