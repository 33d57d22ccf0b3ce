/** @file What consoles show of an object: Node's `util.inspect`, and with it `console.log` there and in test runners. */

/** Name of the method that Node asks for the text. */
export const INSPECT: unique symbol = Symbol.for("nodejs.util.inspect.custom") as never;
