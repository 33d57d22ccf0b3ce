/**
 * @file From settings to a run's configuration and back: defaults that depend on each other, clashes, what a resumed
 * run keeps.
 */
import { check, checkOptions, integer, listOf, type Rule, real, record, refuse, text } from "../core/checks.js";
import { datasetInfo, isDatasetName } from "../data/registry.js";
import type { NormalizeOptions } from "../nn/normalize.js";
import { frontEndRule } from "../sound/front-end.js";
import { parseBits } from "./bits.js";
import {
  type InitConfig,
  parseConfig,
  type QuantConfig,
  type RunConfig,
  type Settings,
  type TeacherConfig,
} from "./config.js";
import { type Facts, type Field, optionOf } from "./field.js";
import { FIELDS, fields } from "./fields.js";
import { FOLDER_SOUND, folderOf, type ImagesInfo, isSound, soundFolderOf, soundImages } from "./images.js";
import { objectOf } from "./kinds.js";
import { isPostTraining, type Method, usualEpochs } from "./methods.js";
import { checkChannels, defaultNormalize, normalization } from "./normalization.js";
import { isOnnx } from "./onnx-names.js";
import { UsageError } from "./usage-error.js";

/** What settings name and somebody else has to look up. */
export interface SettingsContext {
  /** The images of `imagefolder:DIR`; others are known by name. */
  readonly images?: ImagesInfo;
  /** The file behind `init`, and the normalization that its weights were trained with. */
  readonly init?: { readonly config: InitConfig; readonly normalize: NormalizeOptions | null };
  /** The file behind `teacher`. */
  readonly teacher?: TeacherConfig;
}

const imagesRule = objectOf(
  {
    shape: listOf(integer(1), 3),
    classes: integer(1),
    classNames: listOf(text),
    mean: listOf(real),
    std: listOf(real),
    sound: frontEndRule,
  },
  true,
);
const initRule = objectOf({ config: objectOf({ file: text, sha256: text }), normalize: normalization.rule });

const teacherRule = objectOf({ file: text, sha256: text, model: text, normalize: normalization.rule });

type Values = Readonly<Record<string, unknown>>;

/** What is known of images without looking at them: a folder of sound gives pictures of one kind. */
function knownImages(data: string): Pick<ImagesInfo, "shape" | "mean" | "std"> {
  return soundFolderOf(data) === undefined ? datasetInfo(data) : soundImages(FOLDER_SOUND, []);
}

/** What settings depend on of each other, worked out once. */
export function factsOf(settings: Settings, context: SettingsContext = {}): Facts {
  const { model = FIELDS.model.initial as string, data = FIELDS.data.initial as string } = settings;
  const bits = parseBits(settings.bits ?? "float");
  const float = bits.weights === 32 && bits.activations === 32;
  const method: Method = settings.method ?? (float ? "float" : "bcgd");
  const imported = isOnnx(model);
  return {
    bits,
    float,
    method,
    trains: !isPostTraining(method),
    optimizer: settings.optimizer ?? "sgd",
    momentum: settings.momentum ?? (FIELDS.momentum.initial as number),
    epochs: settings.epochs ?? usualEpochs(!isPostTraining(method)),
    validates: (settings.validate ?? 0) > 0,
    ema: settings.ema !== undefined,
    averages: settings.ema !== undefined || settings.swa !== undefined,
    freezes: settings.freeze !== undefined,
    schedule: (settings.schedule ?? { name: "onecycle" as const }).name,
    imported,
    starts: imported || settings.init !== undefined,
    taught: settings.teacher !== undefined,
    comparesFeatures: settings.teacherFeatures !== undefined,
    folder: folderOf(data) !== undefined,
    sound: isSound(data),
    // What the weights to start from were trained with (an ONNX file holds all of its network); else what suits the
    // images.
    normalize: () =>
      context.init !== undefined
        ? context.init.normalize
        : imported
          ? null
          : defaultNormalize(context.images ?? knownImages(data)),
  };
}

/** Which option a setting needs, or null where it applies. */
export function needOf(field: Field, facts: Facts): string | null {
  const quantizes = field.place === "quant" || field.place === "quant?";
  return quantizes && facts.float ? "--bits nWmA, such as --bits 1W4A" : (field.needs?.(facts) ?? null);
}

/** Refuses settings that are not what their row says. @throws ArgumentError that names the setting */
export function checkValues(settings: Settings): void {
  const rules = Object.fromEntries(fields().map(([key, { kind }]) => [key, kind.rule])) as Record<keyof Settings, Rule>;
  check("settings", "settings", settings, record);
  checkOptions<Settings>("settings", settings, rules);
}

/**
 * Refuses settings that are not what their row says, or that exclude each other.
 *
 * @throws ArgumentError that names the setting; UsageError that names the option and what it needs
 */
export function checkSettings(settings: Settings): void {
  checkValues(settings);
  const facts = factsOf(settings);
  for (const [key, field] of fields()) {
    const value = (settings as Values)[key];
    if (value === undefined) continue;
    const need = needOf(field, facts);
    const clash = need ?? field.refuses?.(value, facts) ?? null;
    if (clash === null) continue;
    const option = need === null ? `${optionOf(field)} ${field.kind.write(value)}`.trimEnd() : optionOf(field);
    throw new UsageError({ op: option, what: "does not go with the other options", expected: clash, got: option });
  }
}

/**
 * The configuration that settings stand for; what is not chosen has the defaults of `train`.
 *
 * @throws UsageError, ArgumentError for settings that are none or exclude each other
 * @example
 * const config = runConfig({ data: "mnist", bits: "1W4A", epochs: 3 });
 */
export function runConfig(settings: Settings = {}, context: SettingsContext = {}): RunConfig {
  checkSettings(settings);
  checkOptions<SettingsContext>("runConfig", context, { images: imagesRule, init: initRule, teacher: teacherRule });
  if (settings.teacher !== undefined && context.teacher === undefined) {
    refuse("runConfig", "context.teacher", `what is known of ${settings.teacher}: { file, sha256 }`, undefined);
  }
  const facts = factsOf(settings, context);
  const values = settings as Values;
  const run: Record<string, unknown> = {};
  const quant: Record<string, unknown> = { method: facts.method };
  for (const [key, field] of fields()) {
    if (key === "method") run.quant = facts.float ? null : quant;
    if (key === "init") run.init = context.init?.config ?? null;
    if (key === "teacher" && context.teacher !== undefined) run.teacher = context.teacher;
    if (field.place === "own") continue;
    const usual = field.initially === undefined ? field.initial : field.initially(facts);
    const value = needOf(field, facts) !== null ? field.otherwise : values[key] === undefined ? usual : values[key];
    const missing = field.place.endsWith("?") && field.written !== true && value === field.initial;
    if (!missing) (field.place.startsWith("quant") ? quant : run)[key] = value;
  }
  const { warmup, imageSize } = settings;
  if (warmup) run.schedule = { ...(run.schedule as object), warmupEpochs: warmup };
  if (context.images !== undefined && !isDatasetName(run.data as string)) {
    const { shape, classes, classNames, sound } = context.images;
    const own = imageSize === undefined ? shape : [imageSize, imageSize, shape[2]];
    run.images = { shape: own, classes, classNames, ...(sound && { sound }) };
  }
  const config = run as unknown as RunConfig;
  checkNormalized(config, settings, context);
  return config;
}

/** Refuses a normalization, chosen or of weights, for images of other channels. */
function checkNormalized({ data, normalize, init, teacher }: RunConfig, chosen: Settings, context: SettingsContext) {
  // A folder's images are known to who has looked.
  if (context.images === undefined && folderOf(data) !== undefined) return;
  const channels = (context.images ?? knownImages(data)).shape[2];
  const images = `images of ${data}`;
  const own = chosen.normalize === undefined && init !== null ? init.file : "--normalize";
  checkChannels(own, normalize, channels, images);
  const ofTeacher =
    chosen.teacherNormalize === undefined && teacher !== undefined ? teacher.file : "--teacher-normalize";
  checkChannels(ofTeacher, teacher?.normalize, channels, images);
}

/**
 * The settings that stand for a configuration: the inverse of {@link runConfig}, `init` left out; a teacher is named by
 * its file.
 */
export function settingsOf(config: RunConfig): Settings {
  config = parseConfig(config, "settingsOf: config");
  const { quant, schedule, images } = config;
  const { warmupEpochs, ...form } = schedule;
  const method: Method = quant?.method ?? "float";
  const { file: teacher, model: teacherModel, normalize: teacherNormalize } = config.teacher ?? {};
  const teaches = { teacher, teacherModel, teacherNormalize };
  const own = { method, imageSize: images?.shape[0], warmup: warmupEpochs, ...teaches };
  const kept: Values = { ...config, ...(quant as QuantConfig | null), ...own, schedule: form, init: undefined };
  const { bits, optimizer, model, data, validate } = config;
  const facts = {
    ...factsOf({
      bits,
      optimizer,
      momentum: config.momentum,
      model,
      data,
      schedule: form,
      method,
      validate,
      teacher: teaches.teacher,
      teacherFeatures: config.teacherFeatures,
      freeze: quant?.freeze,
    }),
    starts: true,
  };
  return Object.fromEntries(
    fields().flatMap(([key, field]) => {
      const value = kept[key] === undefined && field.place.endsWith("?") ? field.initial : kept[key];
      return value === undefined || needOf(field, facts) !== null ? [] : [[key, value]];
    }),
  );
}

/**
 * Refuses settings of a resumed run that were given again with other values.
 *
 * @param wanted the configuration of the run's settings with those that were given in place of its own
 * @param init whether a file to start from was given
 * @throws UsageError that lists what differs
 */
export function checkResumed(wanted: RunConfig, kept: RunConfig, init: boolean): void {
  const flat = (config: RunConfig): Record<string, unknown> => ({
    ...config,
    quant: undefined,
    normalize: config.normalize ?? null,
    images: config.images?.shape,
    teacher: config.teacher && { ...config.teacher, file: undefined },
    extended: undefined,
    ...config.quant,
    init: init ? config.init?.sha256 : undefined,
  });
  const [now, then] = [flat(wanted), flat(kept)];
  const differing = Object.keys({ ...now, ...then }).filter(
    (key) => JSON.stringify(now[key]) !== JSON.stringify(then[key]),
  );
  if (differing.length === 0) return;
  const words = (values: Record<string, unknown>): string =>
    differing.map((key) => `${key} ${JSON.stringify(values[key]) ?? "none"}`).join(", ");
  throw new UsageError({
    op: "--resume",
    what: "the run was started with other settings",
    expected: words(then),
    got: words(now),
    hint: "a resumed run keeps its settings; leave them out",
  });
}

/** Settings as options of the command line, word by word. */
export function optionWords(settings: Settings): string[] {
  return fields().flatMap(([key, field]) => {
    const value = (settings as Values)[key];
    if (value === undefined || value === false) return [];
    const text = field.kind.write(value);
    if (value === true) return [optionOf(field)];
    // Nothing stands for null where no word does: such a setting is left out.
    return value === null && text === "" ? [] : [optionOf(field), text];
  });
}

/** The same as one text, for people. */
export function optionsText(settings: Settings): string {
  return optionWords(settings).join(" ");
}
