/** @file The array room: dense arrays without history, and the functions over them that ops are made of. */
export * from "./conv.js";
export * from "./convert.js";
export * from "./elementwise.js";
export * from "./indexing.js";
export * from "./matmul.js";
export * from "./movement.js";
export { NDArray } from "./ndarray.js";
export * from "./pool.js";
export { formatArray } from "./print.js";
export * from "./reduce.js";
export * from "./window.js";
