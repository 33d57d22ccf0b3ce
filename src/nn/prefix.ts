/** @file Prefixes that wrappers of PyTorch's leave in front of all keys of a state. */

/** DataParallel, torch.compile, Lightning and the like, as their wrappers call the network inside. */
const PREFIXES = ["module.", "_orig_mod.", "model."] as const;

/**
 * What stands in front of all keys because a wrapper saved them: `module.` (DataParallel), `_orig_mod.`
 * (torch.compile), `model.` (Lightning), one inside the other too.
 *
 * @param own keys of the network: what they begin with themselves is no prefix
 */
export function wrapperPrefix(keys: readonly string[], own: ReadonlySet<string>): string {
  let prefix = "";
  for (;;) {
    const at = prefix.length;
    if (keys.length === 0 || keys.some((key) => own.has(key.slice(at)))) return prefix;
    const next = PREFIXES.find((each) => keys.every((key) => key.startsWith(each, at)));
    if (next === undefined) return prefix;
    prefix += next;
  }
}
