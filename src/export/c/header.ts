/** @file The C header of a packed model, and a program that tries it. */
import { shapeText, sizeOf } from "../../core/shape.js";
import type { PackedModel } from "../../format/model.js";
import type { ValueType } from "../../format/value.js";
import type { COutput } from "./output.js";
import type { CSourceFile } from "./source.js";
import { cFloat } from "./text.js";

/** What outputs are, for the header's reader. */
function outputText({ type, scale }: COutput, count: number): string {
  if (type === "float") return `${count} floats`;
  const what = type === "uint8_t" ? "codes" : "sums";
  return `${count} ${what}; each stands for itself times @@OUTPUT_SCALE, ${scale}`;
}

/** The header. `@` and `@@` stand for the model's prefixes. */
export function headerOf({ plan, values }: PackedModel, output: COutput, source: CSourceFile): string {
  const { shape, dtype, step } = plan.input;
  const count = sizeOf((values.get(plan.output) as ValueType).shape);
  const input = dtype === "u8" ? `codes, 1 of which stands for ${step}` : "floats";
  return [
    "/* Made by coarsegrad from a packed model. */",
    "#ifndef @@H",
    "#define @@H",
    "",
    "#include <stdint.h>",
    "",
    "#ifdef __cplusplus",
    'extern "C" {',
    "#endif",
    "",
    `/* ${shapeText(shape)}, channel fastest: ${input}. */`,
    `#define @@INPUT_SIZE ${sizeOf(shape)}`,
    `/* ${outputText(output, count)}. */`,
    `#define @@OUTPUT_SIZE ${count}`,
    ...(output.scale === null ? [] : [`#define @@OUTPUT_SCALE ${cFloat(output.scale)}`]),
    "/* Static memory: values between layers, and with bit planes. */",
    `#define @@ARENA_BYTES ${source.arenaBytes}`,
    `#define @@RAM_BYTES ${source.arenaBytes + source.planeBytes}`,
    "/* Constants, weights among them. */",
    `#define @@CONSTANT_BYTES ${source.flashBytes}`,
    "",
    "/* Runs the model on one input. Uses static memory: one call at a time. */",
    `void @run(const ${dtype === "u8" ? "uint8_t" : "float"} *input, ${output.type} *output);`,
    "/* Index of the largest output, the first of equals. */",
    `int32_t @top1(const ${output.type} *output);`,
    ...(plan.classes === undefined ? [] : [`extern const char *const @classes[${plan.classes.length}];`]),
    "",
    "#ifdef __cplusplus",
    "}",
    "#endif",
    "#endif",
    "",
  ].join("\n");
}

/** A program that runs what comes in by standard input, and prints the answers. */
export function mainOf({ plan }: PackedModel, output: COutput): string {
  const type = plan.input.dtype === "u8" ? "uint8_t" : "float";
  const print = output.type === "float" ? '" %.9g", (double)output[i]' : '" %ld", (long)output[i]';
  return `/* Made by coarsegrad. Reads inputs from standard input, one after the other, as they lie in memory; prints for each
   the index of the largest output, and the outputs. */
#include <stdio.h>
#include "@@@.h"

static ${type} input[@@INPUT_SIZE];
static ${output.type} output[@@OUTPUT_SIZE];

int main(void)
{
  while (fread(input, sizeof input[0], @@INPUT_SIZE, stdin) == @@INPUT_SIZE) {
    @run(input, output);
    printf("%ld", (long)@top1(output));
    for (int i = 0; i < @@OUTPUT_SIZE; i++) printf(${print});
    printf("\\n");
  }
  return 0;
}
`;
}
