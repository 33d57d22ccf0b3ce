/** @file Numbers as people read them, and words as shells do. */
export { bytes, count, significant as short } from "../../core/quantities.js";

/** A word as it is typed at a shell: in quotes if it holds more than plain characters. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A percentage with two decimals: 98.9 → "98.90 %". */
export function percent(value: number, digits = 2): string {
  return `${value.toFixed(digits)} %`;
}

/** Seconds as "8.2 s", "3 min 05 s" or "2 h 07 min". */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  if (hours > 0) return `${hours} h ${`${minutes}`.padStart(2, "0")} min`;
  return `${minutes} min ${`${whole % 60}`.padStart(2, "0")} s`;
}
