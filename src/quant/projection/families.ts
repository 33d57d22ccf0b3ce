/**
 * @file The built-in projections by name, each with the widths that it has: what configurations and the command line
 * choose from.
 */
import { checkBits } from "../../codes/levels.js";
import { check, integer } from "../../core/checks.js";
import { QuantError } from "../../core/errors.js";
import { binary } from "./binary.js";
import type { Projection } from "./projection.js";
import { ternary, ternaryThreshold } from "./ternary.js";
import { oneShot, uniform } from "./uniform.js";

/** A projection for every width from `least` to `most` bits. */
export interface ProjectionFamily {
  /** Fewest bits. */
  readonly least: number;
  /** Most bits. */
  readonly most: number;
  /** The rule of a width in that range. */
  of(bits: number): Projection;
}

/**
 * The default rule for a width: 1 → {@link binary} with the mean, 2 → exact {@link ternary}, 3…8 → {@link uniform}.
 *
 * @throws ArgumentError unless `bits` is an integer from 1 to 8
 * @see BCGD §2
 */
export function projectionFor(bits: number): Projection {
  checkBits("projectionFor", bits);
  return bits === 1 ? binary() : bits === 2 ? ternary() : uniform({ bits });
}

/** What the authors' released code has for 1, 2 and 4 bits; other widths as {@link projectionFor}. */
function authorsRule(bits: number): Projection {
  return bits === 2 ? ternaryThreshold({ scale: "all" }) : bits === 4 ? oneShot() : projectionFor(bits);
}

/** The built-in projections by name. */
export const projections: Readonly<Record<string, ProjectionFamily>> = {
  exact: { least: 1, most: 8, of: projectionFor },
  authors: { least: 1, most: 8, of: authorsRule },
  median: { least: 1, most: 1, of: () => binary({ scale: "median" }) },
  threshold: { least: 2, most: 2, of: () => ternaryThreshold() },
  "one-shot": { least: 3, most: 8, of: (bits) => oneShot({ bits }) },
};

/**
 * The rule of a named family for a width.
 *
 * @param families where the name is looked up: {@link projections}, or those and your own
 * @throws ArgumentError on bits outside 1…8; QuantError on an unknown name, or a width that the family does not have
 */
export function projectionNamed(
  name: string,
  bits: number,
  families: Readonly<Record<string, ProjectionFamily>> = projections,
): Projection {
  const op = "projectionNamed";
  check(op, "bits", bits, integer(1, 8));
  const family = Object.hasOwn(families, name) ? families[name] : undefined;
  if (family === undefined) {
    const expected = Object.keys(families).join(", ");
    throw new QuantError({ op, what: "unknown projection", expected, got: `${name}` });
  }
  const { least, most } = family;
  if (bits < least || bits > most) {
    const expected = least === most ? `${least}-bit weights` : `weights of ${least} to ${most} bits`;
    throw new QuantError({ op, what: `projection ${name} has no such width`, expected, got: `${bits} bits` });
  }
  return family.of(bits);
}
