/** @file Numbers of the coarse derivatives that kernels know: what others are refused by, before a kernel is called and in the twins. */
import { integer, type Rule } from "../../core/checks.js";
import { ALPHA_RULES, PROXIES } from "./sizes.js";

/** A proxy's number. */
export const proxyId: Rule = /* @__PURE__ */ integer(0, PROXIES - 1);
/** The number of a rule of the derivative in α. */
export const alphaRuleId: Rule = /* @__PURE__ */ integer(0, ALPHA_RULES - 1);
