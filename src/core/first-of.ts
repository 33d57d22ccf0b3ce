/** @file A list as messages show it: its first names, and how many more there are. Imports nothing. */

/** `a, b, c`, of more than `most` names the first and a count: `a, b and 7 more`. */
export function firstOf(names: readonly string[], most: number): string {
  const rest = names.length - most;
  return rest > 0 ? `${names.slice(0, most).join(", ")} and ${rest} more` : names.join(", ");
}
