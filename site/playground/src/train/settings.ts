/** @file What can be chosen on the training page: fields of the form, their settings, and both as a link. */
import type { Settings } from "coarsegrad/run";

/** Values of the form, by field; as texts, since that is what forms and links hold. */
export type Choices = Readonly<Record<string, string>>;

/** One field of the form. */
export interface FieldSpec {
  readonly name: string;
  readonly label: string;
  readonly initial: string;
  /** What may be chosen; without it the field is a number. */
  readonly options?: readonly (readonly [value: string, text: string])[];
  readonly step?: string;
  readonly min?: string;
  readonly max?: string;
  /** Shown among the details. */
  readonly detail?: true;
  /** Only while the weights or activations are quantized. */
  readonly quantized?: true;
}

const plain = (...values: string[]): [string, string][] => values.map((value) => [value, value]);

const BITS: [string, string][] = [
  ["32", "float"],
  ["8", "8 bits"],
  ["4", "4 bits"],
  ["2", "2 bits"],
  ["1", "1 bit"],
];

/** The form, in its order. */
export const FIELDS: readonly FieldSpec[] = [
  {
    name: "model",
    label: "Network",
    initial: "lenet5",
    options: plain("mlp", "lenet5", "resnet20", "resnet32", "vgg11", "vggsmall", "dscnn"),
  },
  { name: "w", label: "Weights", initial: "1", options: BITS },
  { name: "a", label: "Activations", initial: "4", options: BITS },
  { name: "limit", label: "Training images", initial: "2000", min: "20", step: "1" },
  { name: "epochs", label: "Epochs", initial: "3", min: "1", max: "1000", step: "1" },
  { name: "batch", label: "Batch", initial: "64", min: "2", step: "1" },
  { name: "lr", label: "Learning rate", initial: "", min: "0", step: "any" },
  { name: "seed", label: "Seed", initial: "1", min: "0", step: "1" },
  {
    name: "method",
    label: "Method",
    initial: "bcgd",
    options: [
      ["bcgd", "BCGD (blended)"],
      ["bc", "BinaryConnect"],
      ["relax", "BinaryRelax"],
    ],
    detail: true,
    quantized: true,
  },
  {
    name: "rho",
    label: "ρ, blending",
    initial: "0.00001",
    min: "0",
    max: "0.99",
    step: "any",
    detail: true,
    quantized: true,
  },
  {
    name: "proxy",
    label: "Proxy derivative",
    initial: "clipped-relu",
    options: plain("clipped-relu", "relu", "identity"),
    detail: true,
    quantized: true,
  },
  {
    name: "alphaRule",
    label: "α rule",
    initial: "three-valued",
    options: plain("three-valued", "ae", "pact"),
    detail: true,
    quantized: true,
  },
  {
    name: "granularity",
    label: "Weight scale",
    initial: "layer",
    options: [
      ["layer", "per layer"],
      ["channel", "per channel"],
    ],
    detail: true,
    quantized: true,
  },
  { name: "optimizer", label: "Optimizer", initial: "sgd", options: plain("sgd", "adam"), detail: true },
  {
    name: "schedule",
    label: "Schedule",
    initial: "onecycle",
    options: plain("onecycle", "cosine", "constant"),
    detail: true,
  },
  {
    name: "augment",
    label: "Augmentation",
    initial: "none",
    options: plain("none", "shift", "crop-flip", "time-shift", "speech"),
    detail: true,
  },
  { name: "weightDecay", label: "Weight decay", initial: "0.0001", min: "0", step: "any", detail: true },
];

/** What the form shows at first. */
export const INITIAL: Choices = Object.fromEntries(FIELDS.map(({ name, initial }) => [name, initial]));

/** True while nothing is quantized. */
export const isFloat = ({ w, a }: Choices): boolean => w === "32" && a === "32";

/**
 * The settings that are chosen; what stands at its default is left out where the run's own default is the same.
 *
 * @param data name of the images: a data set's, or `imagefolder:…`
 */
export function settingsFrom(choices: Choices, data: string): Settings {
  const number = (name: string): number => Number(choices[name]);
  const float = isFloat(choices);
  return {
    model: choices.model,
    data,
    limit: number("limit"),
    bits: float ? "float" : `${choices.w}W${choices.a}A`,
    ...(!float && {
      method: choices.method as Settings["method"],
      ...(choices.method === "bcgd" && { rho: number("rho") }),
      proxy: choices.proxy as Settings["proxy"],
      alphaRule: choices.alphaRule as Settings["alphaRule"],
      granularity: choices.granularity as Settings["granularity"],
    }),
    epochs: number("epochs"),
    batch: number("batch"),
    optimizer: choices.optimizer as Settings["optimizer"],
    ...(choices.lr !== "" && { lr: number("lr") }),
    schedule: { name: choices.schedule } as Settings["schedule"],
    augment: choices.augment as Settings["augment"],
    weightDecay: number("weightDecay"),
    seed: number("seed"),
  };
}

/** Choices as the end of a link: what differs from the first ones. */
export function linkOf(choices: Choices): string {
  const own = FIELDS.filter(({ name, initial }) => choices[name] !== initial).map(({ name }) => [name, choices[name]]);
  return new URLSearchParams(own).toString();
}

/** Choices of a link's end; what it does not name, or names wrongly, is as at first. */
export function choicesOf(hash: string): Choices {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  return Object.fromEntries(
    FIELDS.map(({ name, initial, options }) => {
      const value = given.get(name);
      const good =
        value !== null &&
        (options === undefined
          ? value === "" || Number.isFinite(Number(value))
          : options.some(([known]) => known === value));
      return [name, good ? value : initial];
    }),
  );
}
