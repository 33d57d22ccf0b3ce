/** @file JSON of file headers: parsed strictly, so that no key can hide another. */

/**
 * The first key that some object of a JSON text holds twice, or null. `JSON.parse` keeps the last silently.
 * @param text a text that `JSON.parse` accepts
 */
export function duplicateKey(text: string): string | null {
  const scopes: (Set<string> | null)[] = [];
  // A string is a key if it follows `{` or `,` inside an object, that is, if a colon comes next.
  const token = /"(?:[^"\\]|\\.)*"|[{}[\]:]/g;
  let pending: string | null = null;
  for (const [lexeme] of text.matchAll(token)) {
    if (lexeme === "{") scopes.push(new Set());
    else if (lexeme === "[") scopes.push(null);
    else if (lexeme === "}" || lexeme === "]") scopes.pop();
    else if (lexeme !== ":") pending = lexeme;
    else if (pending !== null) {
      const key = JSON.parse(pending) as string;
      const keys = scopes[scopes.length - 1];
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return null;
}

/** True for objects that are neither null nor arrays. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
