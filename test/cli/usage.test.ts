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
      const { code, stdout } = await bench.run(...name.split(" "), "--help");
      expect(code).toBe(0);
      expect(stdout).toContain(`Usage: coarsegrad ${name}`);
      expect(stdout).toMatch(/Examples:\n {2}\$ /);
      if (name !== "data")
        for (const option of ["--json", "--seed", "--quiet", "--debug"]) expect(stdout).toContain(option);
    },
  );

  it("says the version of the package", async () => {
    expect((await bench.run("--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe("a command line that is not understood", () => {
  const cases: [args: string, line: string][] = [
    [
      "trian",
      'command: unknown command; expected quickstart, train, launch, sweep, sweep-worker, eval, pack, export, verify, infer, summary, report, data, bench, theory, got "trian"; did you mean train?',
    ],
    ["data lits", 'data: unknown command; expected list, info, download, got "lits"; did you mean list?'],
    ["train --epoch 3", 'got "--epoch"; did you mean --epochs?'],
    [
      "eval x --fast",
      'eval: unknown option; expected --data, --data-dir, --split, --limit, --max-pixels, --model, --normalize, --threads, --relaxed, --seed, --json, --quiet, --debug, --help, got "--fast"',
    ],
    [
      "train --bits 3W",
      '--bits: unknown bit-widths; expected float or nWmA with n and m in 1…8 or 32, such as 1W4A, got "3W"',
    ],
    ["train --bits 9W4A", "--bits: unknown bit-widths"],
    [
      "train --model lenet",
      '--model: unknown value; expected alexnet, lenet5, mlp, resnet18, resnet20, resnet32, resnet44, resnet56, vgg11, got "lenet"; did you mean lenet5?',
    ],
    [
      "train --data MNIST",
      '--data: unknown data set; expected digits, mnist, fashion-mnist, cifar10, imagefolder:DIR, got "MNIST"; did you mean mnist?',
    ],
    [
      "train --method bgcd",
      '--method: unknown value; expected float, bcgd, bc, relax, ptq, comq, got "bgcd"; did you mean bcgd?',
    ],
    ["train --epochs many", '--epochs: not a whole number; expected a whole number, at least 0, got "many"'],
    ["train --lr -1", '--lr: out of range; expected a number, above 0, got "-1"'],
    ["train --rho 2", '--rho: out of range; expected a number, at least 0 and below 1, got "2"'],
    ["train --seed 1.5", "--seed: out of range; expected a whole number"],
    [
      "train --schedule cosin",
      '--schedule: unknown schedule; expected constant, step, multistep, cosine, onecycle, got "cosin"; did you mean cosine?',
    ],
    ["train --schedule step:0", "--schedule: stepLR: bad every; expected an integer ≥ 1, got"],
    ["train --schedule cosine:2", "--schedule: cosine: bad min; expected a number in [0, 1], got"],
    ["train --bits", "train: option without a value; expected --bits <widths>, got nothing after it"],
    ["train --method bc", "--method bc: does not go with the other options; expected --bits nWmA, such as --bits 1W4A"],
    ["train --bits 1W4A --method bc --rho 0.1", "--rho: does not go with the other options; expected --method bcgd"],
    ["train --bits 1W4A --method ptq", "--method ptq: does not go with the other options; expected --init FILE"],
    ["train --proxy relu", "--proxy: does not go with the other options; expected --bits nWmA, such as --bits 1W4A"],
    [
      "train --optimizer adam --momentum 0.5",
      "--momentum: does not go with the other options; expected --optimizer sgd",
    ],
    ["train --warmup 1", "--warmup: does not go with the other options; expected a --schedule other than onecycle"],
    ["train extra", "train: too many arguments"],
    ["eval", "eval: missing argument; expected <model>, got none; see coarsegrad eval --help"],
    ["report", "report: missing argument; expected <run>, got none"],
    [
      "data info mnits",
      'data: unknown data set; expected digits, mnist, fashion-mnist, cifar10, got "mnits"; did you mean mnist?',
    ],
    [
      "bench gem",
      'bench: unknown value; expected gemm, conv, train, infer, elementwise, overhead, got "gem"; did you mean gemm?',
    ],
    [
      "theory corelation",
      'theory: unknown value; expected correlation, convergence, instability, descent, separable, all, got "corelation"; did you mean correlation?',
    ],
    ["bench --time 0", '--time: out of range; expected a number, above 0, got "0"'],
    ["bench --filter nothing", "--filter: no row has such a name; expected part of a name such as sgemm 512x512x512"],
    [
      "summary lenet6",
      'summary: neither a file nor a network\'s name; expected alexnet, lenet5, mlp, resnet18, resnet20, resnet32, resnet44, resnet56, vgg11, got "lenet6"; did you mean lenet5?',
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
    });
    expect((await bench.run("data", "list")).stdout).toContain("not here: coarsegrad data download mnist");
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
