/** @file Rounding to whole numbers, apart from what needs exp, log or pow: the packed runtime has none of these. */

/** Round half to even; keeps the sign of zero. */
export function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below; // exact
  if (rest < 0.5) return below === 0 && x < 0 ? -0 : below;
  if (rest > 0.5) return Math.ceil(x);
  if (rest === 0.5) return below % 2 === 0 ? below : Math.ceil(x);
  return x; // NaN and ±∞, where `rest` is NaN
}
