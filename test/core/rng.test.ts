/** @file Known answers, moments within k standard errors, unbiasedness, forks and state of the random generator. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArgumentError } from "../../src/core/errors.js";
import { erf } from "../../src/core/math.js";
import { Rng } from "../../src/core/rng.js";

const take = (rng: Rng, n: number) => Array.from({ length: n }, () => rng.u32());

describe("known answers", () => {
  it("xoshiro128** from state 1, 2, 3, 4 gives the published words", () => {
    const published = [
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ];
    expect(take(Rng.from([1, 2, 3, 4]), 10)).toEqual(published);
  });
  it("the 1000th word and state agree with an independent big-integer implementation", () => {
    const rng = Rng.from([1, 2, 3, 4]);
    expect(take(rng, 1000)[999]).toBe(3170714187);
    expect(rng.state()).toEqual([2954884481, 294556968, 2598411021, 550772539]);
  });
  // From the same independent implementation.
  it.each<[number | string, number[], number[]]>([
    [0, [3970410919, 472750287, 349013194, 2994441117], [32388086, 1299627786, 1695226238, 2306039672]],
    [1, [1954378294, 501556451, 4025025571, 951071227], [2747135514, 4123697616, 2780989264, 3338755163]],
    [-1, [245891616, 976038466, 1828449798, 1960493934], [4164341145, 611306821, 1561812432, 2395033526]],
    [2 ** 40 + 7, [2308033866, 4038945411, 4250732831, 730682091], [2782693025, 4259172771, 3087050629, 2354025400]],
    ["coarse", [872092820, 2427042685, 2483969959, 3538966323], [3942285361, 2870926170, 215035822, 1375769753]],
    ["é✓", [1127734627, 4150169978, 1729823397, 535478470], [3486071994, 2347468432, 4262003284, 1832455129]],
  ])("seed %j", (seed, state, words) => {
    const rng = new Rng(seed);
    expect(rng.state()).toEqual(state);
    expect(take(rng, 4)).toEqual(words);
  });
  it("forks by name and by number", () => {
    const rng = new Rng(42);
    rng.u32();
    expect(rng.fork("init").state()).toEqual([4005686517, 1772219304, 626278526, 1473350121]);
    expect(rng.fork(3).state()).toEqual([3920947085, 566454471, 3323818685, 2917447101]);
  });
  it("floating-point draws, to the bit", () => {
    const rng = new Rng("floats");
    const drawn = [rng.uniform(), rng.range(-2, 5), rng.normal(), rng.normal()];
    const filled = new Float64Array(3);
    rng.fillNormal(filled, 1, 2);
    expect([...drawn, ...filled]).toEqual([
      0.09737426042556763, 3.2170594930648804, 0.10574283899337869, 0.04085767135590434, 1.7236312282135913,
      0.07511318901893282, 2.656755573851818,
    ]);
  });
});

/** Mean of `n` draws of f, and its distance from `mean` in standard errors of a variable with variance `variance`. */
function deviations(n: number, f: () => number, mean: number, variance: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += f();
  return Math.abs(sum / n - mean) / Math.sqrt(variance / n);
}

describe("distributions (fixed seeds, within 4 standard errors)", () => {
  const N = 200_000;
  it("uniform has the moments of U[0, 1), stays inside and lies on the 2^-24 grid", () => {
    const rng = new Rng(101);
    for (const p of [1, 2, 3, 4]) {
      const variance = 1 / (2 * p + 1) - 1 / (p + 1) ** 2;
      expect(deviations(N, () => rng.uniform() ** p, 1 / (p + 1), variance)).toBeLessThan(4);
    }
    for (let i = 0; i < 10_000; i++) {
      const u = rng.uniform();
      expect(u >= 0 && u < 1 && Math.fround(u) === u && Number.isInteger(u * 2 ** 24)).toBe(true);
    }
  });
  it("every bit of a word is fair, and neighbours are uncorrelated", () => {
    const rng = new Rng(102);
    const ones = new Array<number>(32).fill(0);
    let agree = 0;
    let last = 0;
    for (let i = 0; i < N; i++) {
      const word = rng.u32();
      for (let b = 0; b < 32; b++) ones[b] += (word >>> b) & 1;
      agree += ((word ^ last) >>> 31) & 1;
      last = word;
    }
    const error = Math.sqrt(N / 4);
    for (const count of [...ones, agree]) expect(Math.abs(count - N / 2)).toBeLessThan(4.5 * error);
  });
  it.each<[string, (rng: Rng) => () => number]>([
    ["normal()", (rng) => () => rng.normal()],
    [
      "fillNormal",
      (rng) => {
        const block = new Float64Array(1001);
        let at = block.length;
        return () => {
          if (at === block.length) {
            rng.fillNormal(block, 0, 1);
            at = 0;
          }
          return block[at++];
        };
      },
    ],
  ])("%s has the moments and the distribution function of N(0, 1)", (_, make) => {
    const draw = make(new Rng(103));
    expect(deviations(N, draw, 0, 1)).toBeLessThan(4);
    expect(deviations(N, () => draw() ** 2, 1, 2)).toBeLessThan(4);
    expect(deviations(N, () => draw() ** 3, 0, 15)).toBeLessThan(4);
    expect(deviations(N, () => draw() ** 4, 3, 96)).toBeLessThan(4);
    for (const z of [-2, -1, 0, 0.5, 2.5]) {
      const p = (1 + erf(z / Math.SQRT2)) / 2;
      expect(
        deviations(N, () => (draw() < z ? 1 : 0), p, p * (1 - p)),
        `P(X < ${z})`,
      ).toBeLessThan(4);
    }
    // The two halves of a pair are independent.
    expect(deviations(N / 2, () => draw() * draw(), 0, 1)).toBeLessThan(4);
  });
  it("int is even over its values, also where 2^32 mod n is large", () => {
    const rng = new Rng(104);
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < 70_000; i++) counts[rng.int(7)]++;
    const chi = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    expect(chi).toBeLessThan(6 + 4 * Math.sqrt(12));
    // A plain remainder would give values below 2^30 twice as often as the rest: P = 1/2 instead of 1/3.
    const n = 3 * 2 ** 30;
    expect(deviations(60_000, () => (rng.int(n) < 2 ** 30 ? 1 : 0), 1 / 3, 2 / 9)).toBeLessThan(4);
    expect(rng.int(1)).toBe(0);
  });
  it("bool(p) is true with probability p", () => {
    const rng = new Rng(105);
    expect(deviations(N, () => (rng.bool(0.3) ? 1 : 0), 0.3, 0.21)).toBeLessThan(4);
    expect(rng.bool(0)).toBe(false);
    expect(rng.bool(1)).toBe(true);
  });
  it("shuffle makes all 24 orders of four equally often", () => {
    const rng = new Rng(106);
    const counts = new Map<string, number>();
    for (let i = 0; i < 24_000; i++) {
      const order = rng.shuffle(["a", "b", "c", "d"]).join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    const chi = [...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chi).toBeLessThan(23 + 4 * Math.sqrt(46));
  });
});

describe("properties", () => {
  const seed = fc.oneof(fc.maxSafeInteger(), fc.string());
  it("range and fillUniform stay in their interval; int below its bound; permutation is one", () => {
    fc.assert(
      fc.property(seed, fc.integer({ min: 1, max: 2 ** 32 }), fc.integer({ min: 0, max: 300 }), (s, n, size) => {
        const rng = new Rng(s);
        const block = new Float64Array(16);
        rng.fillUniform(block, -3, 2);
        for (const x of [...block, rng.range(-3, 2)]) expect(x >= -3 && x < 2).toBe(true);
        for (let i = 0; i < 8; i++) expect(rng.int(n)).toBeLessThan(n);
        expect([...rng.permutation(size)].sort((a, b) => a - b)).toEqual(Array.from({ length: size }, (_, i) => i));
      }),
    );
  });
  it("range refuses ends that are not finite, either of them", () => {
    const rng = new Rng(1);
    expect(() => rng.range(Number.NaN, 1)).toThrow("Rng.range: bad lower end");
    expect(() => rng.range(0, Number.POSITIVE_INFINITY)).toThrow("Rng.range: bad upper end");
  });
  it("a state that goes through JSON continues the same sequence", () => {
    fc.assert(
      fc.property(seed, fc.integer({ min: 0, max: 50 }), (s, skip) => {
        const rng = new Rng(s);
        take(rng, skip);
        const copy = Rng.from(JSON.parse(JSON.stringify(rng.state())));
        expect([copy.normal(), copy.int(10), ...take(copy, 5)]).toEqual([rng.normal(), rng.int(10), ...take(rng, 5)]);
      }),
    );
  });
  it("fork does not advance, is repeatable, and differs from its parent and its siblings", () => {
    fc.assert(
      fc.property(seed, seed, seed, (s, a, b) => {
        const rng = new Rng(s);
        const before = rng.state();
        const words = take(rng.fork(a), 4);
        expect(rng.state()).toEqual(before);
        expect(take(rng.fork(a), 4)).toEqual(words);
        if (!Object.is(a, b) && !(a === 0 && b === 0)) expect(take(rng.fork(b), 4)).not.toEqual(words);
        expect(take(rng, 4)).not.toEqual(words);
      }),
    );
  });
  it("sibling forks are uncorrelated", () => {
    const root = new Rng(107);
    const sample = (k: number) => {
      const rng = root.fork(k);
      return Array.from({ length: 500 }, () => rng.normal());
    };
    const streams = Array.from({ length: 100 }, (_, k) => sample(k));
    let worst = 0;
    for (let k = 1; k < streams.length; k++) {
      const dot = streams[k].reduce((sum, x, i) => sum + x * streams[k - 1][i], 0);
      worst = Math.max(worst, Math.abs(dot) / Math.sqrt(500));
    }
    expect(worst).toBeLessThan(4.5);
  });
  it("100000 numbered forks have distinct states", () => {
    const root = new Rng(108);
    const seen = new Set<string>();
    for (let k = 0; k < 100_000; k++) seen.add(root.fork(k).state().join());
    expect(seen.size).toBe(100_000);
  });
});

describe("refusals", () => {
  it.each([0.5, Number.NaN, Infinity, 2 ** 53])("seed %d", (seed) => {
    expect(() => new Rng(seed)).toThrow(ArgumentError);
    expect(() => new Rng(1).fork(seed)).toThrow(ArgumentError);
  });
  it.each([0, -1, 1.5, 2 ** 33, Number.NaN])("int(%d)", (n) => {
    expect(() => new Rng(1).int(n)).toThrow(ArgumentError);
  });
  it.each([[[]], [[0, 0, 0, 0]], [[1, 2, 3]], [[1, 2, 3, -4]], [[1, 2, 3, 4.5]], [[1, 2, 3, 2 ** 32]]])(
    "state %j",
    (state) => {
      expect(() => Rng.from(state)).toThrow(ArgumentError);
    },
  );
});
