/** @file The infer room: packed models on integers. Needs no autograd and no network definition. */
export { type PackedModel, readPacked } from "../format/index.js";
export type { Backend, InitOptions } from "../kernels/engine.js";
export { init } from "./init.js";
export type { CanvasImage, SessionInput } from "./input.js";
export type { LayerProfile, Profile } from "./profile.js";
export { createSession, type Session, type SessionOptions, type TracedValue } from "./session.js";
