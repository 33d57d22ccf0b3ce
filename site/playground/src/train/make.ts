/** @file From the form to a run that can be started. Runs in workers: the library is there. */
import { sha256Hex } from "coarsegrad";
import { runConfig, type SettingsContext } from "coarsegrad/run";
import { widths } from "../shell/numbers.js";
import { read } from "../shell/store.js";
import { type DataSource, fileKey, type ImagesNote, type RunRecord } from "./record.js";
import { type Choices, isFloat, settingsFrom } from "./settings.js";

/** What a run is made of. */
export interface Wish {
  readonly choices: Choices;
  /** Images of the store; null for generated digits. */
  readonly images: ImagesNote | null;
  /** The run whose weights it starts from. */
  readonly from: RunRecord | null;
}

/** Names of images and sounds of one's own. */
const OWN = { images: "imagefolder:own", sound: "audiofolder:own" } as const;

const nameOf = ({ name }: RunRecord): string => `${name}.safetensors`;

async function contextOf({ images, from }: Wish): Promise<SettingsContext> {
  const start = from === null ? undefined : await read<Uint8Array>("files", fileKey(from.id, "checkpoint"));
  if (from !== null && start === undefined) throw new Error("The weights of that run are not kept any more.");
  const known = images === null || images.known !== null;
  return {
    ...(!known && {
      images: {
        shape: images.shape,
        classes: images.classNames.length,
        classNames: images.classNames,
        ...(images.sound !== undefined && { sound: images.sound }),
        mean: images.shape[2] === 1 ? [0.5] : [0.5, 0.5, 0.5],
        std: images.shape[2] === 1 ? [0.25] : [0.25, 0.25, 0.25],
      },
    }),
    ...(from !== null &&
      start !== undefined && {
        init: {
          config: { file: nameOf(from), sha256: sha256Hex(start) },
          normalize: from.config.normalize ?? null,
        },
      }),
  };
}

/** @throws Error of the library for settings that do not go together */
export async function makeRun(wish: Wish, threads: number): Promise<RunRecord> {
  const { choices, images, from } = wish;
  const own = images?.sound === undefined ? OWN.images : OWN.sound;
  const settings = settingsFrom(choices, images === null ? "digits" : (images.known ?? own));
  const config = runConfig({ ...settings, ...(from !== null && { init: nameOf(from) }) }, await contextOf(wish));
  const data: DataSource = images === null ? { kind: "digits" } : { kind: "images", key: images.key };
  const bits = widths(Number(choices.w), Number(choices.a));
  const method = isFloat(choices) || choices.method === "bcgd" ? "" : ` ${choices.method}`;
  const start = from === null ? "" : ", warm";
  return {
    id: `run-${Date.now().toString(36)}-${Math.floor(performance.now() * 1000).toString(36)}`,
    created: Date.now(),
    name: `${choices.model} ${bits}${method}${start}, seed ${choices.seed}`,
    settings,
    config,
    data,
    from: from?.id ?? null,
    threads,
    status: "running",
    step: 0,
    steps: 0,
    loss: 0,
    accuracy: 0,
    imagesPerSecond: 0,
    etaSeconds: Number.NaN,
    testing: false,
    losses: { x: [], y: [] },
    epochs: [],
    alpha: {},
    flips: {},
    outcome: null,
    error: null,
  };
}
