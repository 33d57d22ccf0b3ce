/** @file Which coarsegrad this is. */

/** Put in by the builds. */
declare const COARSEGRAD_VERSION: string;

/** The version in package.json; "source" where the sources run without a build. */
export const version: string = typeof COARSEGRAD_VERSION === "string" ? COARSEGRAD_VERSION : "source";
