/** @file Training in stages, each with fewer bits than the one before, from whose weights it starts. */
import { type BitWidths, bitWidths, parseBits } from "./bits.js";
import { type Kind, whole } from "./kinds.js";
import { quoted, UsageError } from "./usage-error.js";

/** One stage: its widths and its epochs. */
export interface Stage {
  /** As `--bits` has it. */
  readonly bits: string;
  readonly epochs: number;
}

const FORM = "widths with epochs, such as 32W4A:2,4W4A:2,2W4A:2,1W4A:10";
const EPOCHS = whole({ min: 1 });

function stageOf(text: string, option: string): Stage {
  const parts = text.trim().split(":");
  if (parts.length !== 2) throw new UsageError({ op: option, what: "not a stage", expected: FORM, got: quoted(text) });
  return { bits: bitWidths.read(parts[0], option), epochs: EPOCHS.read(parts[1], option) };
}

/** The first stage that has more bits than the one before it, or as many. */
function notFewer(stages: readonly Stage[]): number {
  const fewer = (now: BitWidths, then: BitWidths): boolean =>
    now.weights <= then.weights &&
    now.activations <= then.activations &&
    (now.weights < then.weights || now.activations < then.activations);
  return stages.findIndex(({ bits }, i) => i > 0 && !fewer(parseBits(bits), parseBits(stages[i - 1].bits)));
}

/** Stages as a setting: at least two, with fewer and fewer bits. */
export const stagesKind: Kind<readonly Stage[]> = {
  read(text, option) {
    const stages = text.split(",").map((word) => stageOf(word, option));
    if (stages.length < 2) {
      throw new UsageError({ op: option, what: "a single stage", expected: FORM, got: quoted(text) });
    }
    const bad = notFewer(stages);
    if (bad > 0) {
      const [before, own] = [stages[bad - 1].bits, stages[bad].bits];
      throw new UsageError({ op: option, what: "stages with more bits", expected: `fewer than ${before}`, got: own });
    }
    return stages;
  },
  rule: (value) => (Array.isArray(value) && value.length > 1 && notFewer(value) < 0 ? null : FORM),
  write: (stages) => stages.map(({ bits, epochs }) => `${bits}:${epochs}`).join(","),
};

/** Folder of a stage's run within that of all: `2-4w4a`. @param index from 0 */
export function stageFolder(index: number, { bits }: Stage): string {
  return `${index + 1}-${bits.toLowerCase()}`;
}
