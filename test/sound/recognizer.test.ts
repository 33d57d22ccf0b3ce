/** @file Words from sound: what a session is fed, what comes of its outputs, sound in pieces. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArgumentError, FormatError } from "../../src/core/errors.js";
import { clipLength, type FrontEnd, type HearingSession, LogMel, recognizer, resample } from "../../src/sound/index.js";
import { tone } from "./fixture.js";

const FRONT: FrontEnd = {
  ...{ rate: 8000, window: 64, hop: 32, frames: 10, bands: 5, scale: "htk", low: 100, high: 4000 },
  ...{ floor: -95, top: -15 },
};

/** A session whose logits are the mean codes of the bands: the word is the band of a tone. */
function bandSession(front: FrontEnd = FRONT): HearingSession & { readonly fed: Uint8Array[] } {
  const fed: Uint8Array[] = [];
  return {
    fed,
    plan: { sound: front },
    inputShape: [front.frames, front.bands, 1],
    outputShape: [front.bands],
    classes: ["a", "b", "c", "d", "e"],
    run(input) {
      fed.push(input.slice());
      const means = new Float32Array(front.bands);
      for (const [i, code] of input.entries()) means[i % front.bands] += code / front.frames;
      return means;
    },
  };
}

describe("recognizer", () => {
  it("feeds the clip's codes, and tells the likeliest class", () => {
    const session = bandSession();
    const samples = tone(8000, 3200, 0.04);
    const heard = recognizer(session).hear(samples);
    expect(session.fed).toEqual([new LogMel(FRONT).clip(samples)]);
    expect(heard).toMatchObject({ word: "e", label: 4 });
    expect(heard.probability).toBeGreaterThan(0.9);
    expect(heard.probabilities.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
    expect(heard.probabilities[4]).toBe(heard.probability);
    // A tone of amplitude ½ behind a window of sum 1: a sixteenth in each of two bins and more beside them.
    expect(heard.level).toBeGreaterThan(-20);
    expect(recognizer(session).hear(new Float32Array(9)).level).toBe(FRONT.floor);
  });
  it("with a level hears soft and loud alike, and tells how loud they were", () => {
    const front: FrontEnd = { ...FRONT, floor: -75, level: -15 };
    const session = bandSession(front);
    const [soft, loud] = [0.002, 0.5].map((level) => recognizer(session).hear(tone(8000, 740, 0.04, level)));
    expect(session.fed[0]).toEqual(session.fed[1]);
    expect(Math.max(...session.fed[0])).toBe(255);
    expect(loud.level - soft.level).toBeCloseTo(20 * Math.log10(250), 1);
    expect(recognizer(session).hear(new Float32Array(9)).level).toBe(-75);
    expect([...new Set(session.fed[2])]).toEqual([0]);
  });
  it("takes other rates", () => {
    const session = bandSession();
    const samples = tone(44_100, 600, 0.04);
    recognizer(session).hear(samples, 44_100);
    expect(session.fed[0]).toEqual(new LogMel(FRONT).clip(resample(samples, 44_100, 8000)));
  });
  it("names classes by number where the model does not", () => {
    expect(recognizer({ ...bandSession(), classes: undefined }).hear(tone(8000, 3200, 0.04)).word).toBe("4");
  });

  it.each<[string, unknown, RegExp]>([
    ["no session", null, /bad session/],
    ["a model that does not hear", { ...bandSession(), plan: {} }, /does not say how it hears.*pack\(net/],
    ["another input", { ...bandSession(), inputShape: [10, 6, 1] }, /input of the model; expected \[10,5,1\]/],
  ])("refuses %s", (_, session, message) => {
    expect(() => recognizer(session as HearingSession)).toThrow(ArgumentError);
    expect(() => recognizer(session as HearingSession)).toThrow(message);
  });
  it("refuses a file's front end that is none", () => {
    const session = { ...bandSession(), plan: { sound: { ...FRONT, hop: 0 } } };
    expect(() => recognizer(session)).toThrow(FormatError);
    expect(() => recognizer(session)).toThrow(/bad sound; expected a front end \(.*bad hop/);
  });
  it("refuses rates and samples that are none", () => {
    expect(() => recognizer(bandSession()).hear(new Float32Array(1), 10)).toThrow(/bad rate/);
    expect(() => recognizer(bandSession()).hear([0] as never)).toThrow(/bad samples/);
    expect(() => recognizer(bandSession()).listen({ every: 0 })).toThrow(/bad every/);
    expect(() =>
      recognizer(bandSession())
        .listen()
        .push([0] as never),
    ).toThrow(/bad samples/);
  });
});

describe("a listener", () => {
  const quiet = new Float32Array(800);
  it("decides every so often, and hears words while they are within the clip", () => {
    const listener = recognizer(bandSession()).listen({ every: 0.05 });
    const decisions = [quiet, tone(8000, 3200, 0.05), quiet, tone(8000, 740, 0.05), quiet].flatMap((each) =>
      listener.push(each),
    );
    expect(decisions.map(({ time }) => time)).toEqual(
      [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4].map((t) => expect.closeTo(t, 9)),
    );
    expect(decisions.map(({ word }) => word)).toEqual([null, null, "e", null, null, "b", null, null]);
    expect(listener.time).toBeCloseTo(0.4, 9);
  });
  it("hears the clip that ends at the decision", () => {
    const session = bandSession();
    const samples = Float32Array.from({ length: 1000 }, (_, n) => ((n * 7919) % 101) / 200 - 0.25);
    recognizer(session).listen({ every: 0.1 }).push(samples);
    expect(session.fed).toEqual([new LogMel(FRONT).clip(samples.slice(800 - clipLength(FRONT), 800))]);
  });
  it("with a high bar hears nothing", () => {
    const hears = (options: object) =>
      recognizer(bandSession())
        .listen(options)
        .push(tone(8000, 3200, 0.3))
        .map(({ word }) => word);
    expect(hears({})).toEqual(["e"]);
    expect(hears({ quiet: 0 })).toEqual([null]);
  });
  it("does not care where pieces end, at any rate", () => {
    const rates = fc.constantFrom(8000, 11_025, 16_000);
    fc.assert(
      fc.property(
        rates,
        fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 1, maxLength: 8 }),
        (rate, lengths) => {
          const total = lengths.reduce((a, b) => a + b, 0);
          const samples = Float32Array.from({ length: total }, (_, n) => ((n * 7919) % 1009) / 2018 - 0.25);
          const [whole, pieces] = [0, 1].map(() => recognizer(bandSession()).listen({ rate, every: 0.02 }));
          let at = 0;
          const found = lengths.flatMap((length) => {
            at += length;
            return pieces.push(samples.slice(at - length, at));
          });
          expect(found).toEqual(whole.push(samples));
          expect(found).toHaveLength(Math.floor(total / Math.round(0.02 * rate)));
        },
      ),
      { numRuns: 30 },
    );
  });
});
