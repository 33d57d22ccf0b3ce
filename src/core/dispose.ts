/** @file The name of the method that `using` calls: engines that have none yet (Safari) are given it. */

const symbols = Symbol as unknown as { dispose: typeof Symbol.dispose };
symbols.dispose ??= Symbol() as typeof Symbol.dispose;

/**
 * `Symbol.dispose`, by which every class of the library that can be disposed of names its method. Where the engine has
 * no such symbol it is there from now on, as compilers' code for `using` asks for it too.
 */
export const DISPOSE: typeof Symbol.dispose = symbols.dispose;
