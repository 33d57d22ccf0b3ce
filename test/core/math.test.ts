/** @file Elementary functions against 1400-bit reference values, against the engine, and at special values. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exponentOf, powerOfTwo, scaleByPowerOfTwo } from "../../src/core/double.js";
import * as math from "../../src/core/math.js";

type Named = Record<string, (...x: number[]) => number>;
const ours = math as unknown as Named;
const engine = Math as unknown as Named;
const { madeWith: _, ...reference } = JSON.parse(
  readFileSync(new URL("../fixtures/math.json", import.meta.url), "utf8"),
) as Record<string, number[][]>;

const bits = new DataView(new ArrayBuffer(8));
/** Position of a double in the order of all doubles, so that neighbours differ by 1. */
function ordinal(x: number): bigint {
  bits.setFloat64(0, x);
  const raw = bits.getBigInt64(0);
  return raw < 0n ? -(raw & 0x7fffffffffffffffn) : raw;
}
function ulps(a: number, b: number): number {
  if (Object.is(a, b)) return 0;
  const gap = ordinal(a) - ordinal(b);
  return Number(gap < 0n ? -gap : gap);
}

/** Distance allowed from the correctly rounded value: 1 for an error below 1 ulp (which may round either way). */
const LIMIT: Record<string, number> = { tanh: 2, acos: 2, erf: 4, erfc: 4 };

describe("reference values", () => {
  for (const [name, rows] of Object.entries(reference)) {
    it(`${name} is within ${LIMIT[name] ?? 1} of the correctly rounded double`, () => {
      expect(rows.length).toBeGreaterThanOrEqual(40);
      for (const row of rows) {
        const want = row[row.length - 1];
        const got = ours[name](...row.slice(0, -1));
        expect(ulps(got, want), `${name}(${row.slice(0, -1)}) = ${got}, want ${want}`).toBeLessThanOrEqual(
          LIMIT[name] ?? 1,
        );
      }
    });
  }
});

describe("the engine's own functions are near", () => {
  const anywhere = fc.double({ noDefaultInfinity: false });
  for (const name of ["exp", "expm1", "log", "log1p", "tanh", "sin", "cos", "atan", "acos"]) {
    it(name, () => {
      fc.assert(
        fc.property(anywhere, (x) => {
          expect(ulps(ours[name](x), engine[name](x)), `${name}(${x})`).toBeLessThanOrEqual(4);
        }),
        { numRuns: 2000 },
      );
    });
  }
  it("atan2", () => {
    fc.assert(
      fc.property(anywhere, anywhere, (y, x) => {
        expect(ulps(math.atan2(y, x), Math.atan2(y, x)), `atan2(${y}, ${x})`).toBeLessThanOrEqual(2);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("special values", () => {
  const special = [0, -0, 1, -1, 2, -2, 0.5, -0.5, 3, -3, Infinity, -Infinity, NaN, 5e-324, -5e-324, 1.7e308, 2 ** 53];
  it.each(["exp", "expm1", "log", "log1p", "tanh", "sin", "cos", "atan", "acos"])("%s", (name) => {
    for (const x of special) {
      const want = engine[name](x);
      if (Number.isFinite(want) && want !== 0)
        expect(ulps(ours[name](x), want), `${name}(${x})`).toBeLessThanOrEqual(2);
      else expect(ours[name](x), `${name}(${x})`).toBe(want);
    }
  });
  it.each(["pow", "atan2"])("%s", (name) => {
    for (const x of special) {
      for (const y of special) {
        const want = engine[name](x, y);
        const at = `${name}(${x}, ${y})`;
        if (Number.isFinite(want) && want !== 0) expect(ulps(ours[name](x, y), want), at).toBeLessThanOrEqual(2);
        else expect(ours[name](x, y), at).toBe(want);
      }
    }
  });
  it("erf and erfc at the ends", () => {
    expect(math.erf(Infinity)).toBe(1);
    expect(math.erf(-Infinity)).toBe(-1);
    expect(math.erf(-0)).toBe(-0);
    expect(math.erf(NaN)).toBeNaN();
    expect(math.erfc(Infinity)).toBe(0);
    expect(math.erfc(-Infinity)).toBe(2);
    expect(math.erfc(0)).toBe(1);
  });
  it("exp overflows and underflows where float64 does", () => {
    expect(math.exp(709.782712893384)).toBe(1.7976931348622732e308);
    expect(math.exp(709.7827128933841)).toBe(Infinity);
    expect(math.exp(-745.1332191019411)).toBe(5e-324);
    expect(math.exp(-745.1332191019412)).toBe(0);
  });
});

describe("identities", () => {
  it("small integer powers that float64 can hold are exact", () => {
    for (let base = 2; base <= 30; base++) {
      for (let n = 1; BigInt(base) ** BigInt(n) <= 2n ** 53n; n++) {
        expect(math.pow(base, n), `${base}^${n}`).toBe(Number(BigInt(base) ** BigInt(n)));
        expect(math.pow(-base, n), `-${base}^${n}`).toBe(Number(BigInt(-base) ** BigInt(n)));
      }
    }
    for (let k = -1074; k <= 1023; k++) expect(math.pow(2, k)).toBe(2 ** k);
  });
  it("pow(x, 1/2) is the square root to the last place", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-300, max: 1e300, noNaN: true }), (x) => {
        expect(ulps(math.pow(x, 0.5), Math.sqrt(x))).toBeLessThanOrEqual(1);
      }),
    );
  });
  it("erf + erfc = 1 and both are symmetric", () => {
    fc.assert(
      fc.property(fc.double({ min: -5, max: 5, noNaN: true }), (x) => {
        expect(Math.abs(math.erf(x) + math.erfc(x) - 1)).toBeLessThanOrEqual(2 ** -50);
        expect(math.erf(-x)).toBe(-math.erf(x));
      }),
    );
  });
  it("odd functions are odd to the bit, and exp and log are monotone over neighbours", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-3, max: 700, noNaN: true }), (x) => {
        for (const name of ["sin", "tanh", "atan"]) expect(ours[name](-x)).toBe(-ours[name](x));
        const next = x * (1 + 2 ** -51);
        expect(math.exp(next)).toBeGreaterThanOrEqual(math.exp(x));
        expect(math.log(next)).toBeGreaterThanOrEqual(math.log(x));
      }),
    );
  });
});

describe("exponent bits", () => {
  it("powers of two and exponents agree with repeated doubling", () => {
    let want = 2 ** -1022;
    for (let k = -1022; k <= 1023; k++, want *= 2) {
      expect(powerOfTwo(k)).toBe(want);
      expect(exponentOf(want)).toBe(k);
      expect(exponentOf(-want * 1.75)).toBe(k);
    }
    for (let k = -1074; k < -1022; k++) expect(exponentOf(2 ** k)).toBe(k);
  });
  it("scaling into the subnormals rounds once, to even", () => {
    expect(scaleByPowerOfTwo(1.5, -1074)).toBe(1e-323);
    expect(scaleByPowerOfTwo(0.5, -1074)).toBe(0);
    expect(scaleByPowerOfTwo(0.75, -1074)).toBe(5e-324);
    expect(scaleByPowerOfTwo(1 + 2 ** -52, -1075)).toBe(5e-324);
    expect(scaleByPowerOfTwo(5e-324, 2046)).toBe(2 ** 972);
  });
});
