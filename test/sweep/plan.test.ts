/** @file Plans: what they may hold, how they multiply out, and what is refused before anything runs. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fields } from "../../src/run/fields.js";
import { matching } from "../../src/sweep/chosen.js";
import { expandPlan, type PlannedSweepRun } from "../../src/sweep/expand.js";
import { parsePlan } from "../../src/sweep/plan.js";

const runsOf = (plan: unknown): PlannedSweepRun[] => expandPlan(parsePlan(plan, "plan.json"));
const names = (plan: unknown): string[] => runsOf(plan).map(({ name }) => name);
const message = (plan: unknown): string => {
  try {
    runsOf(plan);
  } catch (error) {
    return (error as Error).message;
  }
  return "nothing was refused";
};

/** Grids over settings that go with every other, some values as the command line writes them. */
const grids = fc.record(
  {
    lr: fc.uniqueArray(fc.constantFrom(0.1, 0.01, "0.003", "1e-5"), { minLength: 1 }),
    batch: fc.uniqueArray(fc.constantFrom(16, 32, 64), { minLength: 1 }),
    model: fc.uniqueArray(fc.constantFrom("mlp", "lenet5"), { minLength: 1 }),
    schedule: fc.uniqueArray(fc.constantFrom("constant", "cosine", "multistep:3,5:0.1"), { minLength: 1 }),
  },
  { requiredKeys: [] },
);
const seedLists = fc.uniqueArray(fc.nat(1000), { minLength: 1, maxLength: 4 });

describe("a plan multiplies out", () => {
  it("every combination of a grid, each list item and each seed, once, under its own name", () => {
    const lists = fc.uniqueArray(fc.constantFrom(0.5, 0.8, 0.9), { maxLength: 3 });
    const property = fc.property(grids, lists, seedLists, (grid, momenta, seeds) => {
      const list = momenta.map((momentum) => ({ momentum }));
      const runs = runsOf({ settings: { epochs: 2 }, runs: { a: { grid, seeds, ...(list.length > 0 && { list }) } } });
      const points = Object.values(grid).reduce((product, values) => product * values.length, 1);
      expect(runs).toHaveLength(points * Math.max(1, list.length) * seeds.length);
      expect(new Set(runs.map(({ name }) => name)).size).toBe(runs.length);
      expect(new Set(runs.map(({ settings }) => JSON.stringify(settings))).size).toBe(runs.length);
      for (const { settings, name } of runs) {
        expect(settings.epochs).toBe(2);
        expect(name).toMatch(/^a(?:\/[\w.+-]+)?$/);
      }
      // A group has one run for each seed.
      const groups = new Map<string, number[]>();
      for (const { group, seed } of runs) groups.set(group, [...(groups.get(group) ?? []), seed]);
      expect([...groups.values()]).toEqual(Array.from({ length: runs.length / seeds.length }, () => seeds));
    });
    fc.assert(property, { numRuns: 60 });
  });

  it("what is nearer wins: of all runs, of the entry, of its grid or list; null takes back", () => {
    const plan = {
      settings: { lr: 0.1, momentum: 0.5, limit: 100, seed: 7 },
      runs: { a: { settings: { lr: 0.2, limit: null }, list: [{ lr: 0.3 }, { batch: 16 }] } },
    };
    expect(runsOf(plan).map(({ settings }) => settings)).toEqual([
      { lr: 0.3, momentum: 0.5, seed: 7 },
      { lr: 0.2, momentum: 0.5, seed: 7, batch: 16 },
    ]);
  });

  it("settings are taken as config.json has them and as the command line writes them", () => {
    const [written, plain] = [
      { keepFloat: "first,last", schedule: "multistep:3:0.1", bits: "1W4A", rho: "1e-6" },
      { keepFloat: ["first", "last"], schedule: { name: "multistep", milestones: [3], gamma: 0.1 }, rho: 1e-6 },
    ];
    const settings = { ...plain, bits: "1W4A" };
    expect(runsOf({ runs: { a: { settings: written } } })[0].settings).toEqual(settings);
    expect(runsOf({ runs: { a: { settings } } })[0].settings).toEqual(settings);
  });

  it("names say what differs; settings in braces stand where they are put", () => {
    const grid = { bits: ["1W4A", "2W4A"], alphaRule: ["pact", "ae"] };
    expect(names({ runs: { a: { grid } } })[0]).toBe("a/bits-1w4a-alpha-rule-pact");
    expect(names({ runs: { "t/{bits}": { grid, seeds: [3, 4] } } })[0]).toBe("t/1w4a-alpha-rule-pact-seed-3");
    expect(names({ runs: { a: { seeds: [3, 4] } } })).toEqual(["a/seed-3", "a/seed-4"]);
    expect(names({ runs: { a: { list: [{ name: "slow", lr: 1e-4 }, { lr: 0.1 }] } } })).toEqual(["a/slow", "a/lr-0.1"]);
    const [{ title, group }] = runsOf({ runs: { a: { title: "ρ = {rho}", settings: { bits: "1W4A", rho: 0 } } } });
    expect([title, group]).toEqual(["ρ = 0", "a"]);
  });

  it("a seed of the plan's own is the default of all entries", () => {
    const plan = { seeds: [1, 2], runs: { a: {}, b: { seeds: [5] }, c: { settings: { seed: 9 } } } };
    expect(runsOf(plan).map(({ name, seed }) => [name, seed])).toEqual([
      ["a/seed-1", 1],
      ["a/seed-2", 2],
      ["b", 5],
      ["c", 9],
    ]);
    expect(expandPlan(parsePlan({ runs: { a: {} } }, "p"), 4)[0].seed).toBe(4);
  });
});

describe("runs start from runs", () => {
  it("of an entry, those that share what both vary", () => {
    const plan = {
      settings: { model: "mlp" },
      runs: {
        after: { from: "float", settings: { bits: "1W4A" }, grid: { lr: [0.1, 0.2], rho: [0, 1e-5] }, seeds: [1, 2] },
        float: { grid: { lr: [0.1, 0.2] }, seeds: [1, 2] },
        last: { from: "after/lr-0.1-rho-0-seed-2" },
      },
    };
    const runs = runsOf(plan);
    for (const { name, from, entry } of runs) {
      if (entry === "after")
        expect(from).toBe(name.replace("after", "float").replace(/-rho-[^-]+(?:-5)?(?=-seed)/, ""));
    }
    expect(runs.at(-1)).toMatchObject({ name: "last", from: "after/lr-0.1-rho-0-seed-2" });
  });

  it("one run serves all seeds", () => {
    const plan = { runs: { one: {}, many: { from: "one", seeds: [4, 5] }, last: { from: "many", seeds: [5] } } };
    expect(runsOf(plan).map(({ from }) => from)).toEqual([null, "one", "one", "many/seed-5"]);
  });

  it("replaces the file that all runs start from", () => {
    const plan = {
      settings: { init: "w.safetensors" },
      runs: { a: {}, b: { from: "a" }, c: { settings: { init: null } } },
    };
    expect(runsOf(plan).map(({ settings }) => settings.init)).toEqual(["w.safetensors", undefined, undefined]);
  });

  it("and have one of those as teacher, the nearest that a name means", () => {
    const plan = {
      settings: { model: "mlp", teacher: "t.safetensors" },
      runs: {
        float: { seeds: [1, 2] },
        four: { from: "float", teacherFrom: "float", settings: { bits: "4W4A" }, seeds: [1, 2] },
        one: { from: "four", teacherFrom: "float", settings: { bits: "1W4A" }, seeds: [1, 2] },
        own: { list: [{ bits: "1W4A", from: "four/seed-2", teacherFrom: "four" }] },
      },
    };
    const runs = runsOf(plan);
    expect(runs.map(({ name, teacherFrom, settings }) => [name, teacherFrom ?? settings.teacher])).toEqual([
      ["float/seed-1", "t.safetensors"],
      ["float/seed-2", "t.safetensors"],
      ["four/seed-1", "float/seed-1"],
      ["four/seed-2", "float/seed-2"],
      ["one/seed-1", "float/seed-1"],
      ["one/seed-2", "float/seed-2"],
      ["own", "four/seed-2"],
    ]);
  });

  it.each([
    [{ a: { from: "a" } }, "a from a"],
    [{ a: { from: "b" }, b: { from: "c" }, c: { from: "a" } }, "a from b from c from a"],
    [{ ok: {}, a: { from: "b" }, b: { from: "a" }, d: { from: "b" } }, "a from b from a"],
  ])("a circle is refused by name: %j", (runs, circle) => {
    expect(message({ runs })).toBe(
      `plan.json: runs start from each other in a circle; expected a run that starts from none of the others, got ${circle}`,
    );
  });
});

describe("refused before anything runs", () => {
  const known = fields().map(([key]) => key);
  it.each([
    [{ runs: { a: { settings: { weightDecya: 1 } } } }, "runs.a: unknown setting ", "did you mean weightDecay?"],
    [{ runs: { a: { grid: { lrs: [1] } } } }, "runs.a: unknown setting ", "did you mean lr?"],
    [{ runs: { a: { list: [{ epoch: 1 }] } } }, "runs.a.list[0]: unknown field ", "did you mean epochs?"],
    [{ settings: { modle: "mlp" }, runs: { a: {} } }, "settings: unknown setting ", "did you mean model?"],
    [{ runs: { a: { girds: {} } } }, "runs.a: unknown field ", "did you mean grid?"],
    [{ run: { a: {} } }, "plan.json: unknown field ", "did you mean runs?"],
    [{ runs: { a: { settings: { model: "lenet" } } } }, "runs.a: model: unknown value ", "did you mean lenet5?"],
    [{ runs: { a: { settings: { epochs: -1 } } } }, "runs.a: bad epochs; expected a whole number, at least 0, got -1"],
    [{ runs: { a: { settings: { relaxed: "no" } } } }, 'bad relaxed; expected true or false, got "no"'],
    [{ runs: { a: { grid: { lr: [0.1, 0.1] } } } }, "grid.lr: the same twice; expected each once, got 0.1"],
    [{ runs: { a: { grid: { lr: [0.1, "0.1"] } } } }, "grid.lr: the same twice; expected each once, got 0.1"],
    [{ runs: { a: { grid: { lr: [] } } } }, "bad grid.lr; expected a list of at least one"],
    [{ runs: { a: { grid: { lr: 0.1 } } } }, "bad grid.lr; expected a list of at least one, got 0.1"],
    [{ runs: { a: { grid: { lr: [1] }, list: [{ lr: 2 }] } } }, "lr is in the grid and in the list"],
    [{ runs: { a: { grid: { seed: [1] } } } }, "grid: seed; expected seeds, beside the grid"],
    [{ runs: { a: { seeds: [1.5] } } }, "bad seeds; expected a whole number"],
    [{ runs: { a: { seeds: [1], settings: { seed: 1 } } } }, "seed and seeds; expected one of them"],
    [{ runs: { a: { from: "b" }, bb: {} } }, 'a: from: unknown run "b" (did you mean bb?); expected a, bb'],
    [{ runs: { a: { seeds: [1, 2] }, b: { from: "a" } } }, "from: several runs; expected one of a/seed-1, a/seed-2"],
    [{ runs: { a: { seeds: [1, 2] }, b: { from: "a", seeds: [1, 3] } } }, "from: no run with the same settings"],
    [{ runs: { a: {}, b: { from: "a", settings: { init: "x" } } } }, "init and from; expected one of them"],
    [
      { runs: { a: {}, b: { from: "a", teacherFrom: "a", settings: { teacher: "x" } } } },
      "teacher and teacherFrom; expected one of them",
    ],
    [
      { runs: { a: {}, b: { from: "a", teacherFrom: "a", settings: { teacherModel: "mlp" } } } },
      "teacherModel and teacherFrom; expected one of them",
    ],
    [
      { runs: { a: {}, b: {}, c: { from: "a", teacherFrom: "b" } } },
      'c: teacherFrom: not a run that it starts from; expected one of a, got "b"',
    ],
    [{ runs: { a: {}, b: { teacherFrom: "a" } } }, "b: teacherFrom: not a run that it starts from; expected from,"],
    [{ runs: { a: { teacherform: "a" } } }, "runs.a: unknown field ", "did you mean teacherFrom?"],
    [{ runs: { "a b": {} } }, "bad name of runs; expected letters, digits"],
    [{ runs: { "../a": {} } }, "bad name of runs"],
    [{ runs: { "jobs/x": {} } }, "bad name of runs"],
    [{ runs: { "a/{lrr}": {} } }, "unknown setting", "did you mean lr?"],
    [
      {
        runs: {
          a: {
            list: [
              { name: "x", lr: 1 },
              { name: "x", lr: 2 },
            ],
          },
        },
      },
      "two runs of one name",
    ],
    [{ runs: { a: {}, "a/b": {} } }, "a run named like the folder of another"],
    [{ runs: { a: { settings: { rho: 0.1 } } } }, "plan.json: a: --rho: does not go with the other options"],
    [{ runs: { a: { settings: { preset: "papre" } } } }, "unknown preset", "did you mean paper?"],
    [{ runs: {} }, "bad runs; expected an object of runs by name"],
    [{ runs: [] }, "bad runs; expected an object of runs by name, got an empty list"],
    [[], "plan.json: not an object"],
  ])("%j", (plan, ...parts) => {
    for (const part of parts) expect(message(plan)).toContain(part);
  });

  it("no setting is called like a field of a list's items", () => {
    expect(["name", "from", "preset"].filter((word) => known.includes(word))).toEqual([]);
  });
});

it("runs are chosen by name, by part of a name with *, and by id", () => {
  const runs = runsOf({ runs: { float: {}, "a/{lr}": { grid: { lr: [1, 2] } } } });
  const idOf = ({ name }: PlannedSweepRun): string => Buffer.from(`${name}--------`).toString("hex");
  const chosen = (...patterns: string[]) => matching(patterns, runs, idOf).map(({ name }) => name);
  expect(chosen("a/*")).toEqual(["a/1", "a/2"]);
  expect(chosen("a/2", "float")).toEqual(["float", "a/2"]);
  expect(chosen(idOf(runs[1]).slice(0, 8))).toEqual(["a/1"]);
  expect(() => chosen("flaot")).toThrow(
    /--only: no such run "flaot" \(did you mean float\?\); expected float, a\/1, a\/2/,
  );

  const unknownId = () => matching(["deadbeef"], runs, (run) => (run.name === "float" ? "" : idOf(run)));
  expect(unknownId).toThrow(/no run has the id "deadbeef".*runs whose files are not there have no id.*: float$/);
  expect(() => chosen("deadbeef")).toThrow(/no such run "deadbeef"; expected float, a\/1, a\/2/);
});
