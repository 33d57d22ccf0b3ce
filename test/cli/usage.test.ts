import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Workbench } from "./run.js";

let bench: Workbench;
beforeAll(async () => {
  bench = await Workbench.open();
});
afterAll(() => bench?.close());

const COMMANDS = [
  "quickstart",
  "train",
  "launch",
  "sweep",
  "sweep-worker",
  "eval",
  "pack",
  "export",
  "verify",
  "infer",
  "summary",
  "report",
  "data",
  "bench",
  "theory",
];

describe("help", () => {
  it("lists the commands, all of them and no others", async () => {
    const { code, stdout, stderr } = await bench.run("--help");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const listed = [...stdout.matchAll(/^ {2}([a-z][a-z-]*) /gm)].map((match) => match[1]);
    expect(listed.sort()).toEqual([...COMMANDS].sort());
  });

  it("is shown without arguments too", async () => {
    expect((await bench.run()).stdout).toBe((await bench.run("--help")).stdout);
    expect((await bench.run("data")).stdout).toContain("download");
  });

  it.each([...COMMANDS, "data list", "data info", "data download"])(
    "%s explains itself with examples",
    async (name) => {
      const brief = await bench.run(...name.split(" "), "--help");
      expect(brief).toMatchObject({
        code: 0,
        stderr: "",
        stdout: expect.stringContaining(`Usage: coarsegrad ${name}`),
      });
      expect(brief.stdout).toMatch(/Examples:\n {2}\$ /);
      const { code, stdout } = await bench.run(...name.split(" "), "--help-all");
      expect(code).toBe(0);
      expect(stdout).toContain(`Usage: coarsegrad ${name}`);
      expect(stdout).toMatch(/Examples:\n {2}\$ /);
      if (name !== "data")
        for (const option of ["--json", "--seed", "--quiet", "--debug"]) expect(stdout).toContain(option);
    },
  );

  it.each(["", ...COMMANDS, "data list", "data info", "data download"])(
    "of %s is one screen, and leads to all of it",
    async (name) => {
      const words = name.split(" ").filter(Boolean);
      const { stdout } = await bench.run(...words, "--help");
      // The place of downloads may be longer than a line: it is the folder of this test.
      const lines = stdout.replaceAll(bench.folder, "").trimEnd().split("\n");
      expect(lines.length).toBeLessThanOrEqual(28);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
      const { stdout: all } = await bench.run(...words, "--help-all");
      if (all !== stdout) expect(stdout).toMatch(/^ {2}--help-all +all options, notes and examples$/m);
      // Every option of the screen is one that there is, and there are no others.
      const options = (text: string) => [...text.matchAll(/^ {2}(?:-h, )?(--[a-z-]+)/gm)].map((match) => match[1]);
      const known = options(all);
      expect(known.length).toBe(new Set(known).size);
      for (const option of options(stdout)) expect([...known, "--help-all"]).toContain(option);
      const refused = await bench.run(...words, "--no-such-option");
      if (name !== "" && name !== "data") {
        expect(refused.stderr).toContain(`expected ${known.join(", ")}, --help-all\n`);
      }
      for (const line of all.replaceAll(bench.folder, "").split("\n"))
        if (!line.startsWith("  $ ")) expect(line.length).toBeLessThanOrEqual(80);
    },
  );

  it("of train tells what every option is, with presets and all examples", async () => {
    const { stdout } = await bench.run("train", "--help-all");
    for (const words of [
      "--keep-float <names>",
      "Presets (every option",
      "authors-code  --keep-float last",
      "--preset paper\n",
    ])
      expect(stdout).toContain(words);
    expect((await bench.run("train", "--help")).stdout).not.toContain("--keep-float");
  });

  it("of a script's own options is the script's", async () => {
    const { code, stdout } = await bench.run("launch", "gone.mjs", "--help-all");
    expect([code, stdout]).toEqual([1, ""]);
  });

  it("is had by help, too, of what there is", async () => {
    expect(await bench.run("help", "train")).toEqual(await bench.run("train", "--help"));
    expect(await bench.run("help")).toEqual(await bench.run("--help"));
    for (const args of [
      ["trian", "--help"],
      ["help", "trian"],
      ["data", "lits", "--help"],
    ]) {
      const { code, stdout, stderr } = await bench.run(...args);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(/unknown command "(trian|lits)" \(did you mean (train|list)\?\); expected /);
    }
  });

  it("says the version of the package", async () => {
    expect((await bench.run("--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe("a command line that is not understood", () => {
  const cases: [args: string, line: string][] = [
    ["trian", `command: unknown command "trian" (did you mean train?); expected ${COMMANDS.join(", ")}`],
    ["data lits", 'data: unknown command "lits" (did you mean list?); expected list, info, download'],
    [
      "train --model mlp --nesterov=yes",
      'train: a value for an option that takes none; expected --nesterov, got "--nesterov=yes"',
    ],
    ["eval model.cgm --json=", 'eval: a value for an option that takes none; expected --json, got "--json="'],
    ["train --epoch 3", 'train: unknown option "--epoch" (did you mean --epochs?); expected --model, --data, '],
    [
      "eval x --fast",
      'eval: unknown option "--fast"; expected --data, --data-dir, --split, --limit, --max-pixels, --model, --normalize, --output, --threads, --relaxed, --seed, --json, --quiet, --debug, --help, --help-all',
    ],
    [
      "train --bits 3W",
      '--bits: unknown bit-widths; expected float or nWmA with n and m in 1…8 or 32, such as 1W4A, got "3W"',
    ],
    ["train --bits 9W4A", "--bits: unknown bit-widths"],
    [
      "train --model lenet",
      '--model: unknown value "lenet" (did you mean lenet5?); expected alexnet, dscnn, lenet5, mlp, mobilenetv1, mobilenetv1-0.25, mobilenetv1-0.5, mobilenetv2, mobilenetv2-0.35, mobilenetv2-0.5, resnet18, resnet18-64, resnet20, resnet20b, resnet32, resnet32b, resnet44, resnet44b, resnet56, resnet56b, vgg11, vggsmall',
    ],
    [
      "train --data MNIST",
      '--data: unknown data set "MNIST" (did you mean mnist?); expected digits, mnist, fashion-mnist, cifar10, tiny-imagenet, fsdd, fsdd:s0, fsdd:s1, fsdd:s2, fsdd:s3, fsdd:s4, fsdd:s5, imagefolder:DIR, audiofolder:DIR',
    ],
    [
      "train --method bgcd",
      '--method: unknown value "bgcd" (did you mean bcgd?); expected float, bcgd, bc, relax, ptq, comq',
    ],
    ["train --epochs many", '--epochs: not a whole number; expected a whole number, at least 0, got "many"'],
    ["train --lr -1", '--lr: out of range; expected a number, above 0, got "-1"'],
    ["train --rho 2", '--rho: out of range; expected a number, at least 0 and below 1, got "2"'],
    ["train --seed 1.5", "--seed: out of range; expected a whole number"],
    [
      "train --schedule cosin",
      '--schedule: unknown schedule "cosin" (did you mean cosine?); expected constant, step, multistep, cosine, cosine-restarts, onecycle',
    ],
    ["train --schedule step:0", "--schedule: stepLR: bad every; expected an integer ≥ 1, got"],
    ["train --schedule cosine:2", "--schedule: cosine: bad min; expected a number in [0, 1], got"],
    ["train --bits", "train: option without a value; expected --bits <widths>, got nothing after it"],
    ["train --method bc", "--method bc: does not go with the other options; expected --bits nWmA, such as --bits 1W4A"],
    ["train --bits 1W4A --method bc --rho 0.1", "--rho: does not go with the other options; expected --method bcgd"],
    ["train --rho-schedule lr", "--rho-schedule: does not go with the other options; expected --bits nWmA"],
    [
      "train --bits 1W4A --method bc --rho-schedule lr",
      "--rho-schedule: does not go with the other options; expected --method bcgd",
    ],
    ["train --bits 1W4A --method ptq", "--method ptq: does not go with the other options; expected --init FILE"],
    ["train --proxy relu", "--proxy: does not go with the other options; expected --bits nWmA, such as --bits 1W4A"],
    [
      "train --optimizer adam --momentum 0.5",
      "--momentum: does not go with the other options; expected --optimizer sgd",
    ],
    ["bench gemm --ranks 2", "--ranks: does not go with the other options; expected train among the families"],
    ["bench train --profile", "--profile: does not go with the other options; expected infer among the families"],
    ["infer m.cgm a.png --split train", "--split: does not go with the other options; expected --data NAME"],
    ["infer m.cgm a.png --data-dir d", "--data-dir: does not go with the other options; expected --data NAME"],
    ["infer m.cgm --data digits --invert", "--invert: does not go with the other options; expected image files"],
    [
      "infer m.cgm --data digits --index 1 --limit 2",
      "--limit: does not go with the other options; expected files, or --data without --index",
    ],
    ["infer m.cgm - --top 2", "--top: does not go with the other options; expected files, or --data"],
    ["train --warmup 1", "--warmup: does not go with the other options; expected a --schedule other than onecycle"],
    ["train extra", "train: too many arguments"],
    ["eval", "eval: missing argument; expected <model>, got none; see coarsegrad eval --help"],
    ["report", "report: missing argument; expected <run>, got none"],
    [
      "data info mnits",
      'data: unknown data set "mnits" (did you mean mnist?); expected digits, mnist, fashion-mnist, cifar10',
    ],
    [
      "bench gem",
      'bench: unknown value "gem" (did you mean gemm?); expected gemm, conv, train, infer, elementwise, overhead',
    ],
    [
      "theory corelation",
      'theory: unknown value "corelation" (did you mean correlation?); expected correlation, convergence, instability, descent, separable, all',
    ],
    ["bench --time 0", '--time: out of range; expected a number, above 0, got "0"'],
    ["bench --filter nothing", "--filter: no row has such a name; expected part of a name such as sgemm 512x512x512"],
    [
      "summary lenet6",
      'summary: neither a file nor a network has the name "lenet6" (did you mean lenet5?); expected alexnet, dscnn, lenet5, mlp, mobilenetv1, mobilenetv1-0.25, mobilenetv1-0.5, mobilenetv2, mobilenetv2-0.35, mobilenetv2-0.5, resnet18, resnet18-64, resnet20, resnet20b, resnet32, resnet32b, resnet44, resnet44b, resnet56, resnet56b, vgg11, vggsmall',
    ],
  ];
  it.each(cases)("%s", async (args, line) => {
    const { code, stdout, stderr } = await bench.run(...args.split(" "));
    expect(stderr).toContain(line);
    expect(stderr).toMatch(/^coarsegrad: [^\n]+\n$/);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });

  it("shows the stack only when asked", async () => {
    const quiet = await bench.run("eval", "nothing.cgm");
    expect(quiet).toEqual({ code: 1, stdout: "", stderr: "coarsegrad: nothing.cgm: no such file\n" });
    const loud = await bench.run("eval", "nothing.cgm", "--debug");
    expect(loud.code).toBe(1);
    expect(loud.stderr).toMatch(/^coarsegrad: nothing\.cgm: no such file\n.*\n\s+at /);
  });
});

describe("data", () => {
  it("lists what is here and what is not", async () => {
    const { sets } = await bench.json<{ sets: { name: string; where: string | null }[] }>("data", "list");
    expect(Object.fromEntries(sets.map(({ name, where }) => [name, where]))).toEqual({
      digits: "generated",
      mnist: null,
      "fashion-mnist": null,
      cifar10: null,
      "tiny-imagenet": null,
      fsdd: null,
    });
    const text = (await bench.run("data", "list")).stdout;
    expect(text).toContain("not here: coarsegrad data download mnist");
    expect(text).toContain("not here: clone https://github.com/Jakobovski/free-spoken-digit-dataset");
  });

  it("describes a set, with counts where it is here", async () => {
    const digits = await bench.json<{ histogram: { train: number[]; test: number[] } }>("data", "info", "digits");
    expect(digits.histogram).toEqual({ train: Array(10).fill(600), test: Array(10).fill(100) });
    const mnist = await bench.json<{ histogram: null; train: number }>("data", "info", "mnist");
    expect(mnist).toMatchObject({ histogram: null, train: 60000, where: null });
  });

  it("refuses to download what is generated", async () => {
    const { code, stderr } = await bench.run("data", "download", "digits");
    expect(stderr).toContain("digits: nothing to download");
    expect(code).toBe(1);
  });
});

describe("summary of a network by name", () => {
  it("counts as the file does", async () => {
    const found = await bench.json<Record<string, never> & { layers: { bytes: number }[]; weights: number }>(
      "summary",
      "lenet5",
      "--bits",
      "1W4A",
    );
    expect(found).toMatchObject({ weights: 581_408, macs: 4_267_008, floatBytes: 4 * 581_408 });
    const layers = found.layers.reduce((sum, layer) => sum + layer.bytes, 0);
    expect(found.tensorBytes).toBe(layers);
    expect(found.fileBytes).toBe(layers + Number(found.headerBytes));
  });
});
