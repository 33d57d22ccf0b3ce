/** @file Modules and constants that the bundler makes (scripts/bundle-cli.mjs). */

/** A style sheet as text. */
declare module "*.css" {
  const text: string;
  export default text;
}

/** A browser script, bundled and minified, as text. */
declare module "*?script" {
  const text: string;
  export default text;
}

/** The version of the package. */
declare const COARSEGRAD_VERSION: string;
