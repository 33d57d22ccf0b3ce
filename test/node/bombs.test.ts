/**
 * @file Packed data files that hold far more than they should: refused as a limit, without taking the memory for it.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, it } from "vitest";
import { FormatError } from "../../src/core/errors.js";
import { loadDataset } from "../../src/node/data-files.js";

let root: string;
const none = { env: {}, home: "/nowhere" };
/** A gigabyte of zeros in gzip members, a megabyte in all. */
let gzip: Uint8Array;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "coarsegrad-bombs-"));
  const piece = gzipSync(new Uint8Array(2 ** 26));
  gzip = Buffer.concat(Array<Uint8Array>(16).fill(piece));
});
afterAll(() => rmSync(root, { recursive: true }));

async function refused(name: string, set: string, files: Record<string, Uint8Array>): Promise<string> {
  const folder = join(root, name, set === "cifar10" ? "cifar10" : set);
  mkdirSync(folder, { recursive: true });
  for (const [file, bytes] of Object.entries(files)) writeFileSync(join(folder, file), bytes);
  const before = process.memoryUsage().rss;
  const failure = await loadDataset(set, { ...none, dataDir: folder }).then(
    () => null,
    (error: unknown) => error,
  );
  expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 29);
  expect(failure).toBeInstanceOf(FormatError);
  return (failure as FormatError).message;
}

it("labels in gzip, images in Brotli, an archive", async () => {
  const small = Object.fromEntries(
    ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"].map((stem) => [
      `${stem}-ubyte`,
      new Uint8Array(4),
    ]),
  );
  const images = { ...small };
  delete images["train-images-idx3-ubyte"];
  const limit = /holds more than the data set can have; expected at most \d+ bytes, unpacked, got more/;
  expect(await refused("gz", "mnist", { ...images, "train-images-idx3-ubyte.gz": gzip })).toMatch(limit);
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 1, [constants.BROTLI_PARAM_LGWIN]: 24 } };
  const brotli = brotliCompressSync(new Uint8Array(2 ** 28), quality);
  expect(await refused("br", "mnist", { ...images, "train-images-idx3-ubyte.br": brotli })).toMatch(limit);
  expect(await refused("tar", "cifar10", { "cifar-10-binary.tar.gz": gzip })).toMatch(limit);
});
