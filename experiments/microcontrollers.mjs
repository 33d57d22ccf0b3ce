/**
 * @file A packed model as C on a Cortex-M4, an RV32 core and this computer: flash, RAM, stack, instructions an image.
 *
 *     npm run build && node experiments/microcontrollers.mjs [MODEL.cgm …]
 *
 * Instructions are counted by QEMU (-icount shift=0, one instruction a nanosecond; the Cortex-M4 board's timer resolves 40)
 * and by valgrind. Inputs are the first images of the data set that the model's folder names.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { toC } from "../dist/export/index.js";
import { createSession } from "../dist/infer/index.js";
import { loadDataset } from "../dist/node/index.js";

const here = import.meta.dirname;
const tests = path.join(here, "..", "test", "export", "c");
const boards = path.join(tests, "boards");
const IMAGES = 10;
const QEMU = ["-display", "none", "-monitor", "none", "-serial", "none", "-icount", "shift=0"];
const SEMIHOSTING = ["-semihosting-config", "enable=on,target=native", "-kernel"];
const CORES = [
  {
    name: "Cortex-M4",
    tools: "arm-none-eabi-",
    flags: ["-mcpu=cortex-m4", "-mthumb"],
    script: "cortex-m4.ld",
    emulator: ["qemu-system-arm", "-M", "mps2-an386"],
  },
  {
    name: "RV32IMC",
    tools: "riscv64-unknown-elf-",
    flags: ["--specs=picolibc.specs", "-march=rv32imc", "-mabi=ilp32"],
    script: "rv32.ld",
    emulator: ["qemu-system-riscv32", "-M", "virt", "-bios", "none"],
  },
];
const given = process.argv.slice(2);
const models = given.length > 0 ? given : ["lenet5-mnist-1w4a", "lenet5-fashion-1w4a", "resnet20-cifar10-1w4a"];

const run = (program, args, options = {}) => execFileSync(program, args, { encoding: "utf8", ...options });
const number = (value) => value.toLocaleString("en-US");
const average = (values) => Math.round(values.reduce((sum, value) => sum + value, 0) / values.length);

for (const model of models) {
  const file = model.endsWith(".cgm") ? model : path.join(here, model, "model.cgm");
  const bytes = readFileSync(file);
  const { files, arenaBytes, ramBytes, constantBytes, output } = toC(bytes, { name: "model" });
  const folder = mkdtempSync(path.join(tmpdir(), "coarsegrad-c-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  const session = createSession(bytes);
  {
    const { input } = session.plan;
    const dataset =
      ["fashion-mnist", "mnist", "cifar10"].find((name) => file.includes(name.replace("-mnist", ""))) ?? "mnist";
    const { test } = await loadDataset(dataset, { limits: { train: 1, test: IMAGES } });
    const wanted = session.run(test.images);
    console.log(
      `${file}: ${number(bytes.length)} bytes; C: ${number(constantBytes)} bytes of constants, arena ${number(arenaBytes)}, static RAM ${number(ramBytes)}, outputs ${output}`,
    );
    const types = [`-DMODEL_INPUT=${input.dtype === "u8" ? "uint8_t" : "float"}`, `-DMODEL_OUTPUT=${output}`];
    writeFileSync(path.join(folder, "in.bin"), test.images);
    for (const { name, tools, flags, script, emulator } of CORES) {
      for (const [way, level, define] of [
        ["bits counted", "-O2", 1],
        ["bits counted, -Os", "-Os", 1],
        ["one by one", "-O2", 0],
      ]) {
        const all = ["-std=c99", level, `-DMODEL_POPCOUNT=${define}`, ...flags];
        const object = path.join(folder, "model.o");
        run(`${tools}gcc`, [...all, "-c", path.join(folder, "model.c"), "-o", object]);
        const [text, data, bss] = run(`${tools}size`, [object]).split("\n")[1].trim().split(/\s+/).map(Number);
        const program = path.join(folder, "all");
        const sources = [path.join(here, "microcontrollers", "measure.c"), path.join(boards, "board.c"), object];
        const link = ["-nostartfiles", "-Wl,--no-warn-rwx-segments", "-T", path.join(boards, script)];
        run(`${tools}gcc`, [...all, ...types, `-I${folder}`, `-I${tests}`, ...link, ...sources, "-o", program]);
        rmSync(path.join(folder, "out.bin"), { force: true });
        const [qemu, ...machine] = emulator;
        run(qemu, [...machine, ...QEMU, ...SEMIHOSTING, program], { cwd: folder });
        const out = readFileSync(path.join(folder, "out.bin"));
        const each = out.length / IMAGES;
        const counts = Array.from({ length: IMAGES }, (_, n) => out.readUInt32LE(n * each));
        const stacks = Array.from({ length: IMAGES }, (_, n) => out.readUInt32LE(n * each + 4));
        if (output === "float") {
          const got = Array.from({ length: wanted.length }, (_, i) => {
            const width = wanted.length / IMAGES;
            return out.readFloatLE(Math.floor(i / width) * each + 8 + 4 * (i % width));
          });
          if (!got.every((value, i) => Object.is(value, wanted[i]))) throw new Error(`${name}: other outputs`);
        }
        console.log(
          `  ${name}, ${way}: flash ${number(text + data)} (.text and .rodata), RAM ${number(bss + data)} + stack ${Math.max(...stacks)}, ${number(average(counts))} instructions an image`,
        );
      }
    }
    writeFileSync(
      path.join(folder, "host.c"),
      `#include "model.h"\n#include <stdio.h>\nstatic MODEL_INPUT input[MODEL_INPUT_SIZE];\nstatic MODEL_OUTPUT output[MODEL_OUTPUT_SIZE];\nint main(void) { while (fread(input, sizeof input, 1, stdin) == 1) model_run(input, output); return output[0] == 77; }\n`,
    );
    for (const [way, ...flags] of [
      ["bits counted", "-DMODEL_POPCOUNT=1"],
      ["bits counted by an instruction", "-DMODEL_POPCOUNT=1", "-mpopcnt"],
      ["one by one", "-DMODEL_POPCOUNT=0"],
    ]) {
      const program = path.join(folder, "host");
      run("gcc", [
        "-std=c99",
        "-O2",
        ...flags,
        ...types,
        path.join(folder, "host.c"),
        path.join(folder, "model.c"),
        "-o",
        program,
      ]);
      const counted = (images) => {
        const log = path.join(folder, "log");
        run(
          "valgrind",
          ["--tool=callgrind", `--callgrind-out-file=${path.join(folder, "cg")}`, `--log-file=${log}`, program],
          { input: images },
        );
        return Number(/Collected : (\d+)/.exec(readFileSync(log, "utf8"))[1]);
      };
      const per = (counted(test.images) - counted(new Uint8Array(0))) / IMAGES;
      console.log(`  this computer, ${way}: ${number(Math.round(per))} instructions an image`);
    }
  }
  session.dispose();
  rmSync(folder, { recursive: true, force: true });
}
