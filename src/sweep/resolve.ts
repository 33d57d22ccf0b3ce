/**
 * @file From runs to jobs: files that they start from are found and hashed, configurations made, equal ones put
 * together.
 */
import path from "node:path";
import { CoarsegradError, DataError } from "../core/errors.js";
import { sha256Hex } from "../core/sha256.js";
import { exists, readFileBytes } from "../node/files.js";
import { imagesInfo } from "../node/images/info.js";
import { openModel } from "../node/models.js";
import { readOnnxFile } from "../node/onnx-file.js";
import { initOf, teacherOf } from "../node/run/plan.js";
import { RUN_FILES } from "../node/run/run-files.js";
import type { RunConfig, Settings } from "../run/config.js";
import { folderOf, soundFolderOf } from "../run/images.js";
import { isOnnx } from "../run/onnx-names.js";
import { withPreset } from "../run/presets.js";
import { optionWords, runConfig, type SettingsContext } from "../run/settings.js";
import { withShards } from "../run/shards.js";
import { UsageError } from "../run/usage-error.js";
import type { PlannedSweepRun } from "./expand.js";
import { inOrder } from "./graph.js";
import { jobFolder, jobId, type SweepJob } from "./job.js";

/** A run of the plan and its job. */
export interface ResolvedRun extends PlannedSweepRun {
  readonly id: string;
}

/** What is to be done for a plan. */
export interface ResolvedPlan {
  readonly runs: readonly ResolvedRun[];
  /** Each configuration once, sources before those that start from them. */
  readonly jobs: readonly SweepJob[];
  /** Files that jobs start from: what they are called in the sweep's folder, and where they are, or what they hold. */
  readonly files: ReadonlyMap<string, string | Uint8Array>;
  /** Runs by name whose files cannot be read, or that start from such a run, with what is wrong; not among `runs`. */
  readonly lacking: ReadonlyMap<string, DataError>;
}

/** A file that a plan names: beside the plan, or from the working folder. */
async function located(name: string, planFolder: string, what: string): Promise<string> {
  const places = [...new Set([path.resolve(planFolder, name), path.resolve(name)])];
  for (const place of places) if (await exists(place)) return place;
  throw new DataError({ op: name, what: `${what} is not there`, expected: places.join(", or "), got: "no such file" });
}

/** Looks files up, once for all runs. */
class Files {
  readonly found = new Map<string, string>();
  /** ONNX files as one, with what lies beside them. */
  readonly networks = new Map<string, Uint8Array>();
  readonly #folder: string;
  readonly #starts = new Map<string, ReturnType<typeof initOf>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** An imagefolder:DIR or audiofolder:DIR as every folder finds it. */
  async data(name: string | undefined): Promise<string | undefined> {
    const directory = name === undefined ? undefined : (folderOf(name) ?? soundFolderOf(name));
    if (name === undefined || directory === undefined) return name;
    const [prefix, what] = folderOf(name) === undefined ? ["audiofolder", "sound"] : ["imagefolder", "images"];
    return `${prefix}:${await located(directory, this.#folder, `the folder of ${what}`)}`;
  }

  /** What a file is called in the sweep's folder: by its content. */
  async keep(name: string): Promise<string> {
    const given = await located(name, this.#folder, "the file to start from");
    // A run folder stands for its checkpoint.
    const file = isOnnx(given) ? given : (await openModel(given)).path;
    const bytes = isOnnx(file) ? await readOnnxFile(file) : await readFileBytes(file);
    const own = `files/${sha256Hex(bytes).slice(0, 12)}-${path.basename(file)}`;
    this.found.set(own, file);
    if (isOnnx(file)) this.networks.set(own, bytes);
    return own;
  }

  /** The weights behind a file that was kept. */
  async start(own: string, images: Parameters<typeof initOf>[1]): Promise<NonNullable<SettingsContext["init"]>> {
    const key = `${own} ${images.mean} ${images.std}`;
    if (!this.#starts.has(key)) this.#starts.set(key, initOf(this.found.get(own) as string, images));
    const { config, normalize } = (await this.#starts.get(key)) as Awaited<ReturnType<typeof initOf>>;
    return { config: { ...config, file: own }, normalize };
  }
}

/** A run with its configuration. */
interface Configured {
  readonly run: ResolvedRun;
  readonly config: RunConfig;
  readonly job: SweepJob;
}

/** The file of another job: its hash comes with it, and is no part of this one's id. */
function weightsOf({ job }: Configured): { file: string; sha256: string } {
  return { file: `${jobFolder(job.id)}/${RUN_FILES.checkpoint}`, sha256: "0".repeat(64) };
}

async function configured(
  run: PlannedSweepRun,
  source: Configured | undefined,
  teaching: Configured | undefined,
  files: Files,
): Promise<Configured> {
  const { preset, name, verify } = run;
  const chosen: Settings = { ...run.settings, seed: run.seed };
  const data = await files.data(chosen.data);
  const onnx = chosen.model !== undefined && isOnnx(chosen.model);
  const model = onnx ? await files.keep(chosen.model as string) : chosen.model;
  const kept = async (job: Configured | undefined, file: string | undefined): Promise<string | undefined> =>
    job !== undefined ? jobFolder(job.job.id) : file === undefined ? undefined : files.keep(file);
  const init = await kept(source, chosen.init);
  const teacher = await kept(teaching, chosen.teacher);
  const given: Settings = {
    ...chosen,
    ...(data !== undefined && { data }),
    ...(model !== undefined && { model }),
    ...(init !== undefined && { init }),
    ...(teacher !== undefined && { teacher }),
  };
  const settings = withShards(withPreset(preset, given));
  const images = await imagesInfo(settings.data ?? "digits", settings.imageSize);
  const start =
    source !== undefined
      ? { config: weightsOf(source), normalize: source.config.normalize ?? null }
      : init === undefined
        ? undefined
        : await files.start(init, images);
  const taught =
    teaching !== undefined
      ? weightsOf(teaching)
      : teacher === undefined
        ? undefined
        : { ...(await teacherOf(files.found.get(teacher) as string, settings, images)), file: teacher };
  const plain = runConfig(settings, { images, init: start, teacher: taught });
  // A run keeps the network that it was imported from.
  const network = onnx ? files.networks.get(model as string) : undefined;
  const config: RunConfig =
    network === undefined
      ? plain
      : {
          ...plain,
          model: RUN_FILES.network,
          init: plain.init ?? { file: model as string, sha256: sha256Hex(network) },
        };
  const jobs = { from: source?.job.id ?? null, ...(teaching !== undefined && { teacherFrom: teaching.job.id }) };
  const id = jobId(config, jobs);
  // Folders of other jobs are put in when they are there.
  const ownFiles = {
    init: source === undefined ? init : undefined,
    teacher: teaching === undefined ? teacher : undefined,
  };
  const words = [...(preset === undefined ? [] : ["--preset", preset]), ...optionWords({ ...given, ...ownFiles })];
  return {
    run: { ...run, id },
    config,
    job: { id, ...jobs, name, words, verify, testLimit: config.testLimit, shards: config.shards ?? 1 },
  };
}

/**
 * The jobs of some runs.
 *
 * @param runs sources before those that start from them
 * @param planFolder where relative files are looked for first
 * @throws UsageError for settings that a file's weights do not go with
 */
export async function resolvePlan(runs: readonly PlannedSweepRun[], planFolder: string): Promise<ResolvedPlan> {
  const files = new Files(planFolder);
  const byName = new Map<string, Configured>();
  const lacking = new Map<string, DataError>();
  for (const run of runs) {
    const behind = [run.from, run.teacherFrom].map((name) => lacking.get(name ?? "")).find(Boolean);
    if (behind !== undefined) {
      lacking.set(run.name, behind);
      continue;
    }
    try {
      byName.set(run.name, await configured(run, byName.get(run.from ?? ""), byName.get(run.teacherFrom ?? ""), files));
    } catch (error) {
      if (!(error instanceof CoarsegradError)) throw error;
      const fields = { op: run.name, what: error.message };
      if (error instanceof UsageError) throw new UsageError(fields);
      lacking.set(run.name, new DataError(fields));
    }
  }
  const all = [...byName.values()];
  const jobs = new Map<string, SweepJob>();
  for (const { job } of all) {
    const other = jobs.get(job.id);
    jobs.set(job.id, other === undefined ? job : { ...other, verify: other.verify || job.verify });
  }
  const ordered = inOrder(
    [...jobs.values()],
    ({ id }) => id,
    ({ from }) => from,
    "jobs",
  );
  return {
    runs: all.map(({ run }) => run),
    jobs: ordered,
    files: new Map<string, string | Uint8Array>([...files.found, ...files.networks]),
    lacking,
  };
}
