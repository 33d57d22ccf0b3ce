/** @file Numbers as people read them, and words as shells do. */

/** A word as it is typed at a shell: in quotes if it holds more than plain characters. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** 1234567 → "1,234,567". */
export function count(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** A percentage with two decimals: 98.9 → "98.90 %". */
export function percent(value: number, digits = 2): string {
  return `${value.toFixed(digits)} %`;
}

/** 76321 → "76.3 kB" (decimal units, as file managers and networks count). */
export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB"];
  let scaled = value;
  let unit = 0;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit++;
  }
  return unit === 0 ? `${scaled} B` : `${scaled >= 100 ? scaled.toFixed(0) : scaled.toFixed(1)} ${units[unit]}`;
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

/** Four significant digits, with an exponent only where it helps. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return `${value}`;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e6)
    return value
      .toExponential(2)
      .replace(/\.?0+e/, "e")
      .replace("e+", "e");
  return `${Number(value.toPrecision(4))}`;
}
