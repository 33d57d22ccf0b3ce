/**
 * @file The staircase and its coarse derivatives for one real. Derivatives go by number, as in
 * assembly/staircase/staircase.ts; a number that there is not is refused, by the ops before a kernel is called, and by
 * the twins.
 */
import { check, integer, type Rule } from "../../core/checks.js";
import type { Context } from "../context.js";
import { staircaseCode } from "./codes.js";

/** Coarse derivatives in x, by number. */
export const PASSES: readonly ((x: number, limit: number) => boolean)[] = [
  (x, limit) => x > 0 && x <= limit,
  (x) => x > 0,
  () => true,
];

/**
 * Rules of the derivative in α, by number: three-valued (2^(bits−1) in the middle), the code itself, zero in the
 * middle.
 */
export const DALPHA: readonly ((x: number, code: number, limit: number, top: number) => number)[] = [
  (x, _code, limit, top) => (x > limit ? top : x > 0 ? (top + 1) / 2 : 0),
  (_x, code) => code,
  (x, _code, limit, top) => (x > limit ? top : 0),
];

/** A proxy's number. */
export const proxyId: Rule = /* @__PURE__ */ integer(0, PASSES.length - 1);
/** The number of a rule of the derivative in α. */
export const alphaRuleId: Rule = /* @__PURE__ */ integer(0, DALPHA.length - 1);

/** The staircase's rules for one real, in the arithmetic of a context. `alpha` and `limit` = top·alpha are rounded. */
export function staircaseRules(round: Context["round"]) {
  return {
    code: staircaseCode(round),
    /** Whether dy passes at x. @throws ArgumentError on a proxy that there is not */
    passes(proxy: number): (x: number, limit: number) => boolean {
      check("staircase", "proxy", proxy, proxyId);
      return PASSES[proxy];
    },
    /** ∂σ/∂α. @throws ArgumentError on a rule that there is not */
    dalpha(rule: number): (x: number, code: number, limit: number, top: number) => number {
      check("staircase", "rule", rule, alphaRuleId);
      return DALPHA[rule];
    },
  };
}
