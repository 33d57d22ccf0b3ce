/** @file Writes tar archives for tests. */

/** A ustar archive of plain files, and of directories where a name ends in "/". */
export function tarOf(files: Readonly<Record<string, Uint8Array>>, prefix = ""): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [name, content] of Object.entries(files)) {
    const header = new Uint8Array(512);
    const put = (at: number, text: string) => header.set(new TextEncoder().encode(text), at);
    put(0, name);
    put(100, "0000644\0");
    put(124, `${content.length.toString(8).padStart(11, "0")}\0`);
    put(148, "        ");
    put(156, name.endsWith("/") ? "5" : "0");
    put(257, "ustar\0");
    put(263, "00");
    put(345, prefix);
    const sum = header.reduce((total, byte) => total + byte, 0);
    put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
    parts.push(header, content, new Uint8Array((512 - (content.length % 512)) % 512));
  }
  parts.push(new Uint8Array(1024));
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
