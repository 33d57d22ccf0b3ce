/** @file The infer room: packed models on integers. Needs no autograd and no network definition. */
export { type PackedModel, readPacked } from "../format/index.js";
export type { Backend, InitOptions, SyncOptions, Variant } from "../kernels/engine.js";
export type { RelaxedOptions } from "../kernels/threads/options.js";
export { createSession } from "./create-session.js";
export { init, variant } from "./init.js";
export type { CanvasImage, SessionInput } from "./input.js";
export { loadKinds, openSession } from "./open-session.js";
export type { LayerProfile, Profile } from "./profile.js";
export type { Session, SessionLimits, SessionOptions, TracedValue } from "./session.js";
