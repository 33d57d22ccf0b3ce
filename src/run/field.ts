/** @file What the table of settings is made of: a row says all that is known of one. */
import type { NormalizeOptions } from "../nn/normalize.js";
import type { ScheduleSpec } from "../optim/schedule/index.js";
import type { BitWidths } from "./bits.js";
import type { Kind } from "./kinds.js";
import type { Method } from "./methods.js";

/** What settings depend on of each other. */
export interface Facts {
  readonly bits: BitWidths;
  /** The whole network in float. */
  readonly float: boolean;
  readonly method: Method;
  /** False for methods that only quantize. */
  readonly trains: boolean;
  readonly optimizer: string;
  /** Of SGD. */
  readonly momentum: number;
  /** Passes over the training images. */
  readonly epochs: number;
  /** Some training images are held out. */
  readonly validates: boolean;
  /** The result is an exponential average of weights. */
  readonly ema: boolean;
  /** The result is an average of weights. */
  readonly averages: boolean;
  /** Codes that flip back and forth are frozen. */
  readonly freezes: boolean;
  readonly schedule: ScheduleSpec["name"];
  /** The network comes from an ONNX file, which holds its weights. */
  readonly imported: boolean;
  /** It starts from weights of another file. */
  readonly starts: boolean;
  /** It learns from a teacher besides. */
  readonly taught: boolean;
  /** Whether features of the teacher are compared. */
  readonly comparesFeatures: boolean;
  /** Images come from a folder. */
  readonly folder: boolean;
  /** Pictures are made of sound. */
  readonly sound: boolean;
  /** How images are normalized unless it is chosen. */
  normalize(): NormalizeOptions | null;
}

/**
 * Where a configuration keeps a setting: among its fields or those of `quant`; with a question mark, where the field
 * may be missing; `own` where code of its own puts it.
 */
export type Place = "run" | "run?" | "quant" | "quant?" | "own";

/** One setting: what it may be, how it is chosen, where it is kept, when it applies. */
export interface Field<T = unknown, P extends Place = Place> {
  readonly place: P;
  /** As it is written on the command line: `--label-smoothing <x>`. */
  readonly flags: string;
  readonly help: string;
  readonly kind: Kind<T>;
  /**
   * Its value unless it is chosen, where nothing else decides it; of a field that may be missing, what that stands for.
   */
  readonly initial?: NoInfer<T>;
  /** The default as the help says it, if that is not `initial`. */
  readonly initialText?: string;
  /** True where a field that may be missing is written all the same: only earlier versions left it out. */
  readonly written?: boolean;
  /** Its value where it does not apply. */
  readonly otherwise?: NoInfer<T>;
  /** The same as `initial`, where other settings decide. */
  initially?(facts: Facts): NoInfer<T>;
  /** When it applies: null, or which other option it needs. A quantization setting needs bits besides. */
  needs?(facts: Facts): string | null;
  /** Whether a value goes with the others: null, or what they ask for. */
  refuses?(value: NoInfer<T>, facts: Facts): string | null;
}

/** A row of the table. */
export function row<T, const P extends Place>(place: P, field: Omit<Field<T, P>, "place">): Field<T, P> {
  return { place, ...field };
}

/** The value that a row is of. */
export type ValueOf<F> = F extends Field<infer T, Place> ? T : never;

/** The long form of a row's option: `--label-smoothing`. */
export function optionOf({ flags }: Pick<Field, "flags">): string {
  return flags.split(" ")[0];
}
