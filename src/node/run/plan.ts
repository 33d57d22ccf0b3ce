/**
 * @file The folder of a training run: claimed for a new one, opened for one that goes on; what it holds goes only when
 * it is replaced.
 */
import path from "node:path";
import { DataError, StateError } from "../../core/errors.js";
import { sha256Hex } from "../../core/sha256.js";
import { parseConfig, type RunConfig, type Settings, type TeacherConfig } from "../../run/config.js";
import { extendedConfig } from "../../run/extend.js";
import { FIELDS } from "../../run/fields.js";
import { isPostTraining } from "../../run/methods.js";
import { normalizeText } from "../../run/normalization.js";
import { isOnnx } from "../../run/onnx-names.js";
import { checkResumed, checkSettings, runConfig, type SettingsContext, settingsOf } from "../../run/settings.js";
import type { OnnxSource } from "../../run/source.js";
import { normalizeOf } from "../../run/stated-normalization.js";
import { UsageError } from "../../run/usage-error.js";
import type { Checkpoint } from "../../train/checkpoint.js";
import { configHash } from "../../train/digest.js";
import { dataLabel, imagesInfo } from "../images/info.js";
import { networkFile, openModel, openOnnx } from "../models.js";
import { RUN_FILES, RunFolder } from "./folder.js";
import { resumeRun } from "./summary-file.js";

/** Where a run goes, and what becomes of one that is there. */
export interface RunPlace {
  /** Default: `runs/MODEL-DATA-BITS-METHOD`. */
  readonly out?: string;
  /** Go on with the run that is there. */
  readonly resume?: boolean;
  /** Replace it. */
  readonly force?: boolean;
  /** The output to take from a network's ONNX file that has several. */
  readonly output?: string;
}

/** A run that settings ask for, before anything is written: one to make in a folder, or one that is there. */
export interface PlannedRun {
  readonly folder: string;
  readonly config: RunConfig;
  /** The command that starts it, or that started it. */
  readonly command: string;
  /** Whether it is there already. */
  readonly resumed: boolean;
  /** To how many epochs it is extended. */
  readonly extendTo?: number;
  /** The output to take from the network's ONNX file. */
  readonly output?: string;
  /** Where the teacher's file lies, if that was told anew. */
  readonly teacher?: string;
}

/** A run that is about to start or to go on; its folder is locked. */
export interface OpenedRun {
  readonly run: RunFolder;
  readonly config: RunConfig;
  /** The command that started it. */
  readonly command: string;
  /** The network's ONNX file, if it has one, where it lies now. */
  readonly network?: OnnxSource;
  /**
   * Writes the configuration of a new run, or of one that is extended, once everything that it needs was read; null for
   * a run that goes on.
   */
  readonly begin: (() => Promise<void>) | null;
  /** Where a run ended that is extended. */
  readonly checkpoint?: Checkpoint;
  /** Where the teacher's file lies, if that was told anew. */
  readonly teacher?: string;
}

/**
 * The configuration that settings stand for: images and the file to start from are looked up.
 *
 * @throws UsageError for settings that exclude each other; DataError if the file to start from is missing
 */
export async function configFrom(settings: Settings): Promise<RunConfig> {
  checkSettings(settings);
  const images = await imagesInfo(settings.data ?? "digits", settings.imageSize);
  const init = settings.init === undefined ? undefined : await initOf(settings.init, images);
  const teacher = settings.teacher === undefined ? undefined : await teacherOf(settings.teacher, settings, images);
  return runConfig(settings, { images, init, teacher });
}

/** The file behind --teacher; of plain weights, which network they are of and how that normalizes images. */
export async function teacherOf(
  given: string,
  { model = FIELDS.model.initial as string, teacherModel, teacherNormalize }: Settings,
  info: NonNullable<SettingsContext["images"]>,
): Promise<TeacherConfig> {
  const source = await openModel(given);
  const file = { file: source.path, sha256: sha256Hex(source.bytes) };
  if (source.kind === "weights" && (teacherModel !== undefined || !isOnnx(model))) {
    const normalize = teacherNormalize === undefined ? normalizeOf(source, info).normalize : teacherNormalize;
    return { ...file, model: teacherModel ?? model, normalize };
  }
  if (source.kind !== "weights" && teacherModel === undefined) {
    if (teacherNormalize === undefined) return file;
    const op = "--teacher-normalize";
    const what = `${given} says how its images are normalized`;
    throw new UsageError({ op, what, expected: `no ${op}`, got: normalizeText(teacherNormalize) });
  }
  throw new UsageError({
    op: "--teacher-model",
    what: source.kind === "weights" ? `${given} holds weights alone` : `${given} says which network it is`,
    expected: source.kind === "weights" ? "--teacher-model NAME" : "no --teacher-model",
    got: teacherModel ?? "none",
  });
}

/** The file behind --init, and the normalization that its weights were trained with. */
export async function initOf(
  given: string,
  info: NonNullable<SettingsContext["images"]>,
): Promise<NonNullable<SettingsContext["init"]>> {
  const source = await openModel(given);
  if (source.kind === "packed") {
    throw new StateError({
      op: "--init",
      what: `${given} does not hold float weights`,
      expected: "a run, its checkpoint, a plain safetensors file, or an ONNX file",
      got: "a packed model",
    });
  }
  const { normalize } = normalizeOf(source, info);
  return { config: { file: source.path, sha256: sha256Hex(source.bytes) }, normalize };
}

/** Where a run goes unless it is told. */
export function defaultFolder({ model, data, bits, quant }: RunConfig): string {
  const network = isOnnx(model) ? path.basename(model).slice(0, -".onnx".length) : model;
  const method = quant === null ? [] : [quant.method];
  return path.join("runs", [network, dataLabel(data), bits.toLowerCase(), ...method].join("-"));
}

/**
 * The folder and the configuration of the run that settings ask for. Writes nothing.
 *
 * @param settings those that were chosen
 * @param command the command line, kept in `config.json` of a new run
 * @throws DataError if the folder holds a run and it is neither to be resumed nor replaced, or to be resumed and there
 *   is none; UsageError if a resumed run comes with other settings, but for more epochs
 */
export async function planRun(
  settings: Settings,
  { out, resume = false, force = false, output }: RunPlace,
  command: string,
  warn: (text: string) => void,
): Promise<PlannedRun> {
  if (resume && force) {
    throw new UsageError({ op: "--resume", what: "does not go with --force", expected: "one of them", got: "both" });
  }
  if (resume && output !== undefined) {
    const expected = "the output that the run has";
    throw new UsageError({ op: "--output", what: "does not go with --resume", expected, got: output });
  }
  const config = resume && out !== undefined ? null : await configFrom(settings);
  const folder = out ?? defaultFolder(config as RunConfig);
  const holdsRun = await RunFolder.holdsRun(folder);
  if (resume) {
    if (!holdsRun) {
      throw new DataError({
        op: folder,
        what: "nothing to resume",
        expected: "the folder of a run",
        got: "none there",
        hint: "leave --resume out to start one",
      });
    }
    const run = await RunFolder.open(folder, { warn });
    const kept = await run.config();
    const own = parseConfig(kept, run.file("config"));
    await checkSame(settings, own);
    const first = (kept as { command?: string }).command;
    const { teacher } = settings;
    const planned = { folder, config: own, command: first ?? command, resumed: true, ...(teacher && { teacher }) };
    if (settings.epochs === undefined || settings.epochs === own.epochs) return planned;
    // Refused here if it cannot be, before the folder is locked.
    extendedConfig(own, 1, settings.epochs);
    return { ...planned, command: [first, command].filter(Boolean).join(" && "), extendTo: settings.epochs };
  }
  if (holdsRun && !force) {
    throw new DataError({
      op: folder,
      what: "already holds a run",
      expected: "a new or empty folder",
      got: RUN_FILES.config,
      hint: "--resume goes on with it, --force replaces it, --out chooses another folder",
    });
  }
  const made = config as RunConfig;
  if (output !== undefined && !isOnnx(made.model)) {
    const expected = "--model FILE.onnx";
    throw new UsageError({ op: "--output", what: "not for this network", expected, got: made.model });
  }
  return { folder, config: made, command, resumed: false, output };
}

/**
 * A run that goes on to more epochs. It replaces itself: until the first epoch more is complete, the folder holds it as
 * it was.
 */
async function extendedRun(run: RunFolder, planned: PlannedRun, epochs: number): Promise<OpenedRun> {
  const { config, command, folder } = planned;
  const checkpoint = await resumeRun(run, config);
  const { epoch = 0, partial } = checkpoint ?? {};
  // Of an epoch that has begun all steps are on the schedule that it began on: a configuration tells whole epochs.
  const own = extendedConfig(config, partial === undefined ? epoch : epoch + 1, epochs);
  const network = await networkFile(config.model, folder);
  const { metrics } = run;
  return {
    run,
    config: own,
    command,
    network,
    begin: () => run.begin({ command, ...own }, network?.bytes, metrics),
    ...(checkpoint !== null && { checkpoint: { ...checkpoint, config: own, configHash: configHash(own) } }),
  };
}

/** Refuses settings of a resumed run that were given again with other values. */
async function checkSame(settings: Settings, kept: RunConfig): Promise<void> {
  // Without settings nothing can differ, and the file that the run started from need not be there any more.
  if (Object.keys(settings).length === 0) return;
  const teacher = settings.teacher ?? kept.teacher?.file;
  const init = settings.init ?? (isPostTraining(kept.quant?.method) ? kept.init?.file : undefined);
  const wanted = await configFrom({ ...settingsOf(kept), ...settings, init, teacher });
  // More epochs extend a run; fewer are told by themselves.
  checkResumed(wanted, { ...kept, epochs: wanted.epochs }, settings.init !== undefined);
}

/**
 * Claims the folder of a planned run. A run that it may hold stays.
 *
 * @throws DataError if another process writes there, or the folder cannot be written
 */
export async function openRun(planned: PlannedRun, warn: (text: string) => void): Promise<OpenedRun> {
  const { folder, config, command, resumed, teacher } = planned;
  const run = await RunFolder.claim(folder, { warn });
  try {
    if (planned.extendTo !== undefined) return { ...(await extendedRun(run, planned, planned.extendTo)), teacher };
    if (resumed) {
      return { run, config, command, network: await networkFile(config.model, folder), begin: null, teacher };
    }
    if (!isOnnx(config.model)) return { run, config, command, begin: () => run.begin({ command, ...config }) };
    // The run keeps the network: it must open without the file that it came from.
    const network = await openOnnx(config.model, planned.output);
    const { bytes } = network;
    const init = config.init ?? { file: config.model, sha256: sha256Hex(bytes) };
    const own = { ...config, model: RUN_FILES.network, init };
    return { run, config: own, command, network, begin: () => run.begin({ command, ...own }, bytes) };
  } catch (error) {
    await run.close();
    throw error;
  }
}
