/** @file Sound at other rates: against other tools, tones that stay and tones that go, there and back. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../src/core/sha256.js";
import { resample } from "../../src/sound/index.js";
import { fixture, floatsOf, tone } from "./fixture.js";

describe("resample", () => {
  it.each(fixture.rates.made)("$from to $to as another tool by the same formula", ({ from, to, samples }) => {
    const own = resample(floatsOf(fixture.rates.samples), from, to);
    expect(own).toHaveLength(samples.length);
    for (const [n, sample] of own.entries()) expect(Math.abs(sample - samples[n]), `${n}`).toBeLessThan(4e-7);
  });

  it("as another method, away from the ends", () => {
    const { from, to, hertz, samples } = fixture.polyphase;
    const own = resample(tone(from, hertz, 0.1, 1), from, to);
    expect(own).toHaveLength(samples.length);
    for (let n = 100; n < own.length - 100; n++) expect(Math.abs(own[n] - samples[n])).toBeLessThan(2e-3);
  });

  it.each([
    [8000, 16000, 3000],
    [16000, 8000, 3400],
    [44100, 16000, 6700],
    [48000, 8000, 1234],
  ])("%i to %i keeps a tone of %i Hz", (from, to, hertz) => {
    const own = resample(tone(from, hertz, 0.2), from, to);
    const wanted = tone(to, hertz, 0.2);
    for (let n = 200; n < own.length - 200; n++) expect(Math.abs(own[n] - wanted[n])).toBeLessThan(1e-4);
  });

  it("what the lower rate cannot hold goes", () => {
    const own = resample(tone(16000, 5000, 0.2), 16000, 8000);
    for (let n = 200; n < own.length - 200; n++) expect(Math.abs(own[n])).toBeLessThan(1e-4);
  });

  it("has its length, keeps constants, and copies at equal rates", () => {
    const rate = fc.integer({ min: 1000, max: 50_000 });
    fc.assert(
      fc.property(rate, rate, fc.integer({ min: 0, max: 300 }), (from, to, length) => {
        const out = resample(new Float32Array(length).fill(0.25), from, to);
        expect(out).toHaveLength(Math.ceil((length * to) / from - 1e-9));
        const reach = Math.ceil((35 * to) / Math.min(from, to)) + 1;
        for (let n = reach; n < out.length - reach; n++) expect(out[n]).toBeCloseTo(0.25, 6);
      }),
      { numRuns: 50 },
    );
    const samples = Float32Array.of(1, 2, 3);
    const same = resample(samples, 8000, 8000);
    expect(same).toEqual(samples);
    expect(same).not.toBe(samples);
  });

  it("has the same bits everywhere", () => {
    const own = resample(floatsOf(fixture.rates.samples), 44100, 8000);
    expect(sha256Hex(new Uint8Array(own.buffer))).toBe(
      "f848cc353fa1039b9982f4a8ce5e766e30e9cb0cde9391e1b04dfedda3f51690",
    );
  });

  it("refuses rates that no sound has", () => {
    expect(() => resample(new Float32Array(1), 0, 8000)).toThrow(/bad from/);
    expect(() => resample(new Float32Array(1), 8000, 8000.5)).toThrow(/bad to/);
  });
});
