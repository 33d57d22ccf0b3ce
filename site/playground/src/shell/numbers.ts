/** @file Numbers as text. */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** 1,234,567. */
export function count(value: number): string {
  return whole.format(value);
}

/** Three or four digits that matter; very small and very large numbers with an exponent. */
export function short(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (value === 0) return "0";
  if (size < 1e-3 || size >= 1e7) return value.toExponential(1).replace("e+", "e");
  return size >= 1000 ? count(value) : `${Number(value.toPrecision(digits))}`;
}

/** A share in [0, 1] as percent. */
export function percent(share: number, digits = 1): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(digits)} %` : "–";
}

/** Bytes with a unit. */
export function bytes(value: number): string {
  return value < 10_000
    ? `${count(value)} B`
    : value < 1e6
      ? `${(value / 1000).toFixed(1)} kB`
      : `${(value / 1e6).toFixed(2)} MB`;
}

/** Seconds in words. */
export function seconds(value: number): string {
  if (!Number.isFinite(value)) return "–";
  return value < 90 ? `${Math.ceil(value)} s` : `${Math.round(value / 60)} min`;
}

/** `float` or nWmA. */
export function widths(weights: number, activations: number): string {
  return weights === 32 && activations === 32 ? "float" : `${weights}W${activations}A`;
}
