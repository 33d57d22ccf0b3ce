/** @file Runs that start from other runs: an order in which sources come first, and who follows from whom. */
import { UsageError } from "../run/usage-error.js";

/**
 * The nodes with every source before those that start from it, else in their order.
 *
 * @param sourceOf key of the one node that a node starts from, or null; it must be among the nodes
 * @param op who asks, for messages
 * @throws UsageError that names a circle
 */
export function inOrder<T>(
  nodes: readonly T[],
  keyOf: (node: T) => string,
  sourceOf: (node: T) => string | null,
  op: string,
): T[] {
  const byKey = new Map(nodes.map((node) => [keyOf(node), node]));
  const done = new Set<T>();
  for (const node of nodes) {
    // Each node has one source at most: the way back is a line, and a circle in it comes back to itself.
    const line: T[] = [];
    for (let at: T | undefined = node; at !== undefined && !done.has(at); ) {
      if (line.includes(at)) {
        const circle = [...line.slice(line.indexOf(at)), at].map(keyOf);
        throw new UsageError({
          op,
          what: "runs start from each other in a circle",
          expected: "a run that starts from none of the others",
          got: circle.join(" from "),
        });
      }
      line.push(at);
      const source = sourceOf(at);
      at = source === null ? undefined : byKey.get(source);
    }
    for (const each of line.reverse()) done.add(each);
  }
  return [...done];
}

/** Nodes together with all that they start from, directly or not, in the order of `nodes`. */
export function withSources<T>(
  chosen: readonly T[],
  nodes: readonly T[],
  keyOf: (node: T) => string,
  sourceOf: (node: T) => string | null,
): T[] {
  const byKey = new Map(nodes.map((node) => [keyOf(node), node]));
  const wanted = new Set<T>();
  for (const node of chosen) {
    for (let at: T | undefined = node; at !== undefined && !wanted.has(at); ) {
      wanted.add(at);
      const source = sourceOf(at);
      at = source === null ? undefined : byKey.get(source);
    }
  }
  return nodes.filter((node) => wanted.has(node));
}
