/** @file Markdown as text. */

/** A text with all but its fenced code changed. */
export function outsideCode(text, change) {
  return text
    .split(/(^```[\s\S]*?^```$)/m)
    .map((part, n) => (n % 2 === 0 ? change(part) : part))
    .join("");
}
