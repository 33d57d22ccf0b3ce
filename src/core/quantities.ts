/** @file Counts and sizes as people read them. */

/** 1234567 → "1,234,567". */
export function count(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, ",");
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

/** Four significant digits, with an exponent only where it helps. */
export function significant(value: number): string {
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
