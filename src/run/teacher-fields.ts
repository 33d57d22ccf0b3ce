/** @file Settings of a teacher: who it is, and what of it the student learns from. */
import { MODEL_NAMES } from "../models/index.js";
import { type Facts, row } from "./field.js";
import { choice, names, real, text } from "./kinds.js";
import { normalization } from "./normalization.js";

const taught = ({ taught }: Facts): string | null => (taught ? null : "--teacher FILE");

/** Rows of the table of settings. */
export const TEACHER_FIELDS = {
  teacher: row("own", {
    flags: "--teacher <file>",
    help: "learn from this network's outputs too: a run folder, a packed model, a file of plain weights, or an ONNX file, for the same images and classes",
    kind: text,
    needs: ({ trains }) => (trains ? null : "a --method that trains"),
  }),
  teacherModel: row("own", {
    flags: "--teacher-model <name>",
    help: "network of a teacher in plain weights",
    kind: choice(MODEL_NAMES),
    initialText: "that of --model",
    needs: taught,
  }),
  teacherNormalize: row("own", {
    flags: "--teacher-normalize <how>",
    help: "how a teacher in plain weights normalizes images, as --normalize takes it",
    kind: normalization,
    initialText: "what its file states, else as --normalize by default",
    needs: taught,
  }),
  temperature: row("run?", {
    flags: "--temperature <T>",
    help: "both sides' logits are divided by it before their softmax, where the student is compared with the teacher",
    kind: real({ above: 0 }),
    initial: 4,
    needs: taught,
    otherwise: 4,
  }),
  teacherWeight: row("run?", {
    flags: "--teacher-weight <w>",
    help: "share of the teacher in the loss: (1 − w)·cross-entropy + w·T²·KL(teacher ‖ student)",
    kind: real({ min: 0, max: 1 }),
    initial: 0.9,
    needs: taught,
    otherwise: 0.9,
  }),
  teacherFeatures: row("run?", {
    flags: "--teacher-features <layers>",
    help: "layers of both networks, separated by commas, whose outputs are compared too: layer1.2,layer2.2,layer3.2 of resnet20, for instance; not of a packed teacher",
    kind: names,
    initialText: "outputs of the networks alone",
    needs: taught,
  }),
  featureWeight: row("run?", {
    flags: "--feature-weight <x>",
    help: "what the features' part of the loss is multiplied by",
    kind: real({ min: 0 }),
    initial: 10,
    needs: ({ comparesFeatures }) => (comparesFeatures ? null : "--teacher-features LAYERS"),
    otherwise: 10,
  }),
};
