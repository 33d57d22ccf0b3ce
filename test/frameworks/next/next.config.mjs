/** @file The app stands in a folder below the one that has Next.js. */
import path from "node:path";

const above = path.resolve(import.meta.dirname, "..");
export default { turbopack: { root: above }, outputFileTracingRoot: above };
