/** @file The table of settings: defaults, when a setting applies, configurations and back, and a row that is added. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { command } from "../../src/cli/options/command.js";
import { chosenSettings, trainOptions } from "../../src/cli/options/train.js";
import { FormatError } from "../../src/core/errors.js";
import { isRecord } from "../../src/io/json.js";
import type { RunConfig, Settings } from "../../src/run/config.js";
import { optionOf, row } from "../../src/run/field.js";
import { fields, registerField } from "../../src/run/fields.js";
import { METHODS, parseConfig, runConfig, settingsOf, withPreset } from "../../src/run/index.js";
import { real } from "../../src/run/kinds.js";
import { optionsText } from "../../src/run/settings.js";
import { configHash } from "../../src/train/digest.js";

/** A configuration and its hash as earlier versions wrote them. */
const EARLIER = {
  model: "lenet5",
  data: "digits",
  limit: 4000,
  testLimit: null,
  bits: "1W4A",
  quant: {
    method: "bcgd",
    rho: 1e-5,
    alphaRule: "three-valued",
    proxy: "clipped-relu",
    keepFloat: [],
    granularity: "layer",
    calibrate: "mse",
  },
  init: null,
  epochs: 3,
  batch: 64,
  optimizer: "sgd",
  lr: 0.01,
  momentum: 0.9,
  weightDecay: 1e-4,
  schedule: { name: "onecycle" },
  labelSmoothing: 0,
  augment: "none",
  seed: 1,
  normalize: null,
};

const arbitraryBasics: fc.Arbitrary<Settings> = fc.record(
  {
    model: fc.constantFrom("lenet5", "mlp"),
    data: fc.constantFrom("digits", "cifar10"),
    limit: fc.option(fc.integer({ min: 2, max: 1000 }), { nil: null }),
    bits: fc.constantFrom("float", "1W4A", "32W2A"),
    method: fc.constantFrom(...METHODS),
    rho: fc.constantFrom(0, 1e-5, 0.5),
    proxy: fc.constantFrom("relu", "identity"),
    keepFloat: fc.constantFrom([], ["first", "last"]),
    projection: fc.constantFrom("exact" as const, "authors" as const),
    epochs: fc.integer({ min: 0, max: 20 }),
    optimizer: fc.constantFrom("sgd" as const, "adam" as const),
    lr: fc.constantFrom(0.1, 1e-5),
    momentum: fc.constantFrom(0, 0.95),
    schedule: fc.constantFrom(
      { name: "cosine" as const, min: 0.1 },
      { name: "multistep" as const, milestones: [1, 2] },
      { name: "cosine-restarts" as const, period: 4, mult: 2 },
    ),
    warmup: fc.constantFrom(0.5, 1),
    augment: fc.constantFrom("none" as const, "shift" as const, "crop-flip" as const),
    normalize: fc.constantFrom(null, { mean: [0.5], std: [0.25] }),
    recalibrate: fc.constantFrom("auto" as const, "always" as const),
    relaxed: fc.boolean(),
  },
  { requiredKeys: [] },
);

/** What is added to training goes together in few ways. */
const arbitrary: fc.Arbitrary<Settings> = fc
  .tuple(
    arbitraryBasics,
    fc.constantFrom<Settings>(
      {},
      {},
      { ema: 0.999, alphaLr: 0.1 },
      { swa: 2, keep: "last" },
      { freeze: 0.02 },
      { freeze: 0.02, freezeFrom: 2, normLr: 0.5 },
      { nesterov: true, momentum: 0.9, optimizer: "sgd" },
      { nesterov: false },
      { rhoSchedule: "lr" },
      { rhoSchedule: "constant" },
      { ema: 0.9, swa: 2 },
      { mixup: 0.2, normLr: 0.5 },
      { mixup: 0, normLr: 1, alphaLr: 0.01 },
      { validate: 5, patience: 3, keep: "best" },
      { patience: 3 },
      { validate: 5, validateSeed: 0 },
      { validateSeed: 7 },
    ),
  )
  .map(([basics, added]) => ({ ...basics, ...added }));

describe("configurations", () => {
  it("have the fields, the order and the hash that they always had", () => {
    const config = runConfig({ bits: "1W4A", limit: 4000, epochs: 3 });
    expect(JSON.stringify(config)).toBe(JSON.stringify(EARLIER));
    expect(configHash(config)).toBe("95bf0b4f3a9e0dc9ba402086a6b3f4c743dee34e5c5e4908bc5c12cfb1469642");
  });

  it("come back from JSON and from their settings, whatever is chosen", () => {
    let whole = 0;
    fc.assert(
      fc.property(arbitrary, (settings) => {
        let config: RunConfig;
        try {
          config = runConfig(settings);
        } catch (error) {
          expect((error as Error).message).toMatch(/^--[a-z-]+[^:]*: does not go with the other options; expected /);
          return;
        }
        whole++;
        expect(parseConfig(JSON.parse(JSON.stringify({ command: "x", ...config })))).toEqual(config);
        expect(runConfig(settingsOf(config))).toEqual(config);
      }),
      { numRuns: 1000, examples: [[{ bits: "1W4A", epochs: 0, freeze: 0.02 }]] },
    );
    expect(whole).toBeGreaterThan(20);
  });

  it("hold a teacher by its hash, and come back from their settings", () => {
    const teacher = { file: "t.safetensors", sha256: "ab".repeat(32), model: "lenet5", normalize: null };
    const own = { teacher: "t.safetensors", teacherModel: "lenet5", teacherNormalize: null };
    const settings = { epochs: 3, ...own, temperature: 2 };
    const config = runConfig(settings, { teacher });
    expect(config).toMatchObject({ teacher, temperature: 2 });
    // What is usual is left out.
    expect(config).not.toHaveProperty("teacherWeight");
    expect(parseConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
    expect(settingsOf(config)).toMatchObject({ ...settings, teacherWeight: 0.9 });
    expect(runConfig(settingsOf(config), { teacher })).toEqual(config);
    expect(() => runConfig(settings)).toThrow(/context.teacher/);
    expect(() => runConfig({ temperature: 2 })).toThrow(/--temperature.*--teacher FILE/);
    expect(() => parseConfig({ ...config, teacher: { ...teacher, sha256: "x" } })).toThrow(/bad teacher.sha256/);
    expect(() => parseConfig({ ...config, teacher: { ...teacher, alpha: 1 } })).toThrow(/teacher.alpha/);
  });

  it("may lack what earlier versions did not have, and keep their hash", () => {
    const { normalize: _, ...before } = EARLIER;
    expect(configHash(parseConfig(before))).toBe(configHash(before));
    expect(settingsOf(parseConfig(before)).normalize).toBeNull();
  });

  it.each([
    [{ ...EARLIER, seed: -1 }, "config: bad seed; expected a whole number, at least 0 and at most 4294967295, got -1"],
    [
      { ...EARLIER, quant: { ...EARLIER.quant, rho: 1 } },
      "config: bad quant.rho; expected a number, at least 0 and below 1",
    ],
    [{ ...EARLIER, quant: { ...EARLIER.quant, method: "float" } }, "config: bad quant.method; expected bcgd, bc"],
    [{ ...EARLIER, quant: { ...EARLIER.quant, extra: 1 } }, "config: unknown field; expected method, rho,"],
    [{ ...EARLIER, quant: 1 }, "config: bad quant; expected an object, got 1"],
    [{ ...EARLIER, init: { file: "x", sha256: "0" } }, "config: bad init.sha256; expected 64 hexadecimal digits"],
    [{ ...EARLIER, schedule: { name: "step", every: 0 } }, "config: bad schedule; expected every: a finite number > 0"],
    [{ ...EARLIER, model: "lenet" }, "config: bad model; expected alexnet, dscnn, lenet5"],
    [{ ...EARLIER, data: "imagefolder:x" }, "config: bad data; expected digits, mnist"],
    [
      { ...EARLIER, epochs: undefined },
      "config: not the configuration of a training run; expected model, data, .*no epochs",
    ],
  ])("%# are refused by field", (value, message) => {
    expect(() => parseConfig(value)).toThrow(FormatError);
    expect(() => parseConfig(value)).toThrow(new RegExp(message));
  });
});

describe("settings", () => {
  it.each([
    [{ rho: 0.5 }, "--rho: does not go with the other options; expected --bits nWmA"],
    [{ bits: "1W4A", method: "bc", rho: 0.5 }, "--rho: does not go with the other options; expected --method bcgd"],
    [{ optimizer: "adam", nesterov: true }, "--nesterov: does not go with the other options; expected --optimizer sgd"],
    [{ momentum: 0, nesterov: true }, "--nesterov: does not go with the other options; expected --momentum above 0"],
    [{ imageSize: 32 }, "--image-size: does not go with the other options; expected --data imagefolder:DIR"],
    [
      { bits: "1W4A", method: "ptq", init: "x", epochs: 2 },
      "--epochs 2: does not go with the other options; expected none",
    ],
    [{ batch: 1 }, "settings: bad batch; expected a whole number, at least 2, got 1"],
    [{ epoch: 1 }, "settings: unknown option; expected model, .*got epoch; did you mean epochs\\?"],
  ] as const)("%j are refused", (settings, message) => {
    expect(() => runConfig(settings as Settings)).toThrow(new RegExp(message));
  });

  it("of a preset give way to what is chosen, and are written as options", () => {
    const settings = withPreset("paper", { bits: "1W4A", data: "cifar10", epochs: 20, lr: 0.05 });
    expect(runConfig(settings)).toMatchObject({ epochs: 20, lr: 0.05, augment: "crop-flip", quant: { rho: 1e-5 } });
    expect(optionsText(settings)).toContain("--epochs 20 --batch 128 --optimizer sgd --lr 0.05 --momentum 0.95");
  });
});

describe("a row of the table", () => {
  const toy = row("run?", { flags: "--toy-rate <x>", help: "of the toy", kind: real({ min: 0 }), initial: 0 });
  const train = () =>
    trainOptions(command({ name: "train", summary: "", description: "", examples: [] }))
      .exitOverride()
      .configureOutput({ writeErr: () => undefined });

  it("that takes names adds to them when it is given again; of others the last word counts", () => {
    const typed = (...words: string[]) => chosenSettings(train().parse(words, { from: "user" }));
    const parts = typed("--keep-float", "first", "--epochs", "2", "--keep-float", "fc1,first", "--epochs", "3");
    expect(parts).toEqual(typed("--keep-float", "first,fc1", "--epochs", "3"));
    expect(parts).toMatchObject({ keepFloat: ["first", "fc1"], epochs: 3 });
    expect(typed("--teacher-features", "a", "--teacher-features", "b").teacherFeatures).toEqual(["a", "b"]);
    expect(() => typed("--keep-float", "first", "--keep-float", "")).toThrow("--keep-float: empty list");
  });

  it("that is added is an option of train with its help, a field of configurations, and kept by a resumed run", () => {
    const remove = registerField("toyRate", toy);
    try {
      expect(train().helpInformation()).toMatch(/--toy-rate <x>\s+of the toy \(default: 0\)/);
      const made = train().parse(["--toy-rate", "2", "--seed", "3"], { from: "user" });
      const config = runConfig(chosenSettings(made));
      expect(config).toMatchObject({ toyRate: 2, seed: 3 });
      expect(() => train().parse(["--toy-rate", "-1"], { from: "user" })).toThrow("--toy-rate: out of range");
      expect(parseConfig(config)).toEqual(config);
      expect(settingsOf(config)).toMatchObject({ toyRate: 2 });
      expect(() => parseConfig({ ...config, toyRate: -1 })).toThrow("bad toyRate");
      expect(runConfig()).not.toHaveProperty("toyRate");
      expect(() => registerField("toyRate", toy)).toThrow("there is such a setting already");
    } finally {
      remove();
    }
    expect(() => parseConfig({ ...runConfig(), toyRate: 2 })).toThrow("unknown field");
    expect(() => train().parse(["--toy-rate", "2"], { from: "user" })).toThrow("unknown option");
  });

  it("has an option of its own name, so that errors and help agree", () => {
    const options = fields().map(([key, field]) => [key, optionOf(field)]);
    for (const [key, option] of options) {
      expect(option).toBe(`--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
    }
    expect(isRecord(Object.fromEntries(options))).toBe(true);
    expect(new Set(options.map(([, option]) => option)).size).toBe(options.length);
  });
});
