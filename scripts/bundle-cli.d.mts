/** @file Types of bundle-cli.mjs, for the test set-up. */
export function bundleScript(file: string): Promise<string>;
export function bundleCli(outfile: string): Promise<void>;
