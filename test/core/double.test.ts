/** @file Pairs of doubles against exact integers. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { multiplyPairs } from "../../src/core/double.js";
import { Rng } from "../../src/core/rng.js";

it("a product of pairs has an error of at most 2^-103 of it", () => {
  const high = fc.bigInt({ min: 2n ** 52n, max: 2n ** 53n - 1n });
  const low = fc.bigInt({ min: -(2n ** 53n), max: 2n ** 53n });
  fc.assert(
    fc.property(high, low, high, low, (a, b, c, d) => {
      // a + b·2^-54 as the whole number a·2^54 + b; the product in units of 2^-108.
      const exact = (a * 2n ** 54n + b) * (c * 2n ** 54n + d);
      const [head, tail] = multiplyPairs([Number(a), Number(b) * 2 ** -54], [Number(c), Number(d) * 2 ** -54]);
      const sum = BigInt(head) * 2n ** 108n + BigInt(tail * 2 ** 108);
      const error = sum > exact ? sum - exact : exact - sum;
      expect(error * 2n ** 103n <= exact).toBe(true);
    }),
  );
});

it("filling by parts leaves the stream where filling at once leaves it", () => {
  for (const fill of ["fillUniform", "fillNormal"] as const) {
    const [whole, parts] = [new Rng("fill"), new Rng("fill")];
    const [a, b] = [new Float64Array(8), new Float64Array(8)];
    whole[fill](a, 0, 1);
    parts[fill](b.subarray(0, 2), 0, 1);
    parts[fill](b.subarray(2), 0, 1);
    expect(b, fill).toEqual(a);
    expect(parts.u32(), fill).toBe(whole.u32());
  }
});
