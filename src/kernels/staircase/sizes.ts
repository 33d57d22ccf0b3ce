/** @file How many coarse derivatives of the staircase kernels know. Read by both languages: numbers alone. */

/** Proxies, derivatives in x: 0 clipped-relu, 1 relu, 2 identity. */
export const PROXIES = 3;
/** Rules of the derivative in α: 0 three-valued, 1 almost everywhere, 2 PACT. */
export const ALPHA_RULES = 3;
