/** @file The worker room: functions that run in a Web Worker or a worker of Node, called from outside with `await`. */
export { type Connection, connect, type Handlers } from "./connect.js";
export type { WorkerPort } from "./port.js";
export { type ServePort, serve } from "./serve.js";
export { transfer } from "./transfer.js";
