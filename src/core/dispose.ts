/** @file The name of the method that `using` calls: engines that have none yet (Safari) are given it. */

/**
 * `Symbol.dispose`, by which every class of the library that can be disposed of names its method. Where the engine has
 * no such symbol it is there from now on, as compilers' code for `using` asks for it too.
 */
export const DISPOSE: typeof Symbol.dispose = disposeSymbol();

function disposeSymbol(): typeof Symbol.dispose {
  const own = Symbol as unknown as { dispose?: symbol };
  if (own.dispose === undefined) Object.defineProperty(Symbol, "dispose", { value: Symbol("Symbol.dispose") });
  return Symbol.dispose;
}
