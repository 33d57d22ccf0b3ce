/** @file The teacher of a run, and the loss that it has a part in. */
import { refuse } from "../core/checks.js";
import { ArgumentError, StateError } from "../core/errors.js";
import { sha256Hex } from "../core/sha256.js";
import { createSession } from "../infer/create-session.js";
import type { Module } from "../nn/module.js";
import { type Distillation, distillation, type TeacherSession } from "../train/distillation.js";
import type { RunConfig, TeacherConfig } from "./config.js";
import { checkFits, type ImagesInfo, infoOf } from "./images.js";
import { floatNetwork, loaded, networkOf } from "./network.js";
import { onnxNetworkFor } from "./onnx.js";
import { isOnnx } from "./onnx-names.js";
import type { ModelSource } from "./source.js";

/** A teacher that is ready, and the loss that it has a part in. */
export interface OpenTeacher {
  readonly loss: Distillation;
  /** Frees the teacher. */
  dispose(): void;
}

/**
 * Opens the teacher of a run.
 *
 * @param source its file, as `readModel` opens it
 * @returns null for a run without one
 * @throws ArgumentError if the file is not given, or takes other images or has other classes; StateError if it is not
 * the one that the run was made with, or its weights do not fit
 */
export function openTeacher(config: RunConfig, source: ModelSource | undefined): OpenTeacher | null {
  const { teacher, temperature, teacherWeight: weight, teacherFeatures: features, featureWeight } = config;
  if (teacher === undefined) return null;
  const { file, sha256 } = teacher;
  if (source === undefined) refuse("createRun", "teacher", `the network of ${file}, as readModel opens it`, source);
  const own = sha256Hex(source.bytes);
  if (own !== sha256) {
    const what = `${source.path} has changed since the run was made`;
    throw new StateError({ op: "--teacher", what, expected: `SHA-256 ${sha256}`, got: own });
  }
  const network = teacherNetwork(teacher, source, infoOf(config), config.data);
  try {
    return {
      loss: distillation(network, { temperature, weight, features, featureWeight }),
      dispose: () => network.dispose(),
    };
  } catch (error) {
    network.dispose();
    throw error;
  }
}

function teacherNetwork(
  { model, normalize }: TeacherConfig,
  source: ModelSource,
  info: ImagesInfo,
  name: string,
): (Module | TeacherSession) & { dispose(): void } {
  const { shape, classes } = info;
  const checkImages = (own: readonly number[], outputs: number): void =>
    checkFits("--teacher", { name, shape, classes }, own, outputs);
  if (source.kind === "packed") {
    const session = createSession(source.bytes, { file: source.path });
    try {
      checkImages(
        session.inputShape,
        session.outputShape.reduce((product, extent) => product * extent, 1),
      );
      return session;
    } catch (error) {
      session.dispose();
      throw error;
    }
  }
  if (source.kind === "onnx") return onnxNetworkFor(source.bytes, source.path, info).eval();
  if (source.kind === "weights") return floatNetwork(model ?? "", info, source, normalize ?? null);
  const { config, checkpoint, path } = source;
  const { shape: own, classes: outputs } = infoOf(config);
  checkImages(own, outputs);
  if (isOnnx(config.model)) {
    throw new ArgumentError({
      op: "--teacher",
      what: `${path} is of a network from an ONNX file`,
      expected: "its packed model",
      got: config.model,
      hint: "the run folder's model.cgm is one",
    });
  }
  return loaded(networkOf(config), checkpoint.model);
}
