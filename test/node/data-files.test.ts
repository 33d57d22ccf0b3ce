/** @file Finding data directories and loading sets from small files made here, in every layout, whole and broken. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ArgumentError, DataError, FormatError } from "../../src/core/errors.js";
import { digits } from "../../src/data/digits.js";
import { writeIdx } from "../../src/io/idx.js";
import { dataFolder, dataRoots, findDataDir, loadDataset } from "../../src/node/data-files.js";
import { tarOf } from "../io/tar-of.js";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "coarsegrad-data-"));
});
afterEach(() => rm(root, { recursive: true }));

/** Places that hold nothing but what a test puts there. */
const nowhere = () => ({ env: {}, home: join(root, "home"), platform: "linux" });

const idx = (count: number, offset: number) => ({
  images: writeIdx(
    [count, 28, 28],
    Uint8Array.from({ length: count * 784 }, (_, i) => (i + offset) & 255),
  ),
  labels: writeIdx(
    [count],
    Uint8Array.from({ length: count }, (_, n) => (n + offset) % 10),
  ),
});
type Files = Record<string, Uint8Array>;
const idxFiles = (change: (files: Files) => Files = (files) => files): Files => {
  const [train, test] = [idx(5, 0), idx(3, 1)];
  return change({
    "train-images-idx3-ubyte": train.images,
    "train-labels-idx1-ubyte": train.labels,
    "t10k-images-idx3-ubyte": test.images,
    "t10k-labels-idx1-ubyte": test.labels,
  });
};
const gzipped = (files: Files): Files =>
  Object.fromEntries(Object.entries(files).map(([name, bytes]) => [`${name}.gz`, new Uint8Array(gzipSync(bytes))]));

const record = (label: number) => {
  const bytes = new Uint8Array(3073).fill(label * 10);
  bytes[0] = label;
  bytes[1] = 255;
  return bytes;
};
const cifarFiles = (): Files => ({
  ...Object.fromEntries([1, 2, 3, 4, 5].map((n) => [`data_batch_${n}.bin`, Uint8Array.of(...record(n), ...record(0))])),
  "test_batch.bin": record(7),
});

async function put(folder: string, files: Files): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
}

describe("MNIST's other names", () => {
  const dotted = (name: string) => name.replace("-idx", ".idx");
  it.each<[string, (name: string) => string]>([
    ["a dot before the kind", dotted],
    ["a folder for each file", (name) => `${name}/${name}`],
    ["a folder for each file, with a dot inside", (name) => `${name}/${dotted(name)}`],
    ["a folder with a dot", (name) => `${dotted(name)}/${name}`],
  ])("%s, plain and packed", async (_, rename) => {
    const wanted = idxFiles();
    for (const suffix of ["", ".gz"]) {
      const folder = join(root, `named${suffix}`);
      for (const [name, bytes] of Object.entries(wanted)) {
        const file = join(folder, rename(name) + suffix);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, suffix === "" ? bytes : gzipSync(bytes));
      }
      const { train, test } = await loadDataset("mnist", { ...nowhere(), dataDir: folder });
      expect([train.count, test.count, train.labels[3], test.images[0]]).toEqual([5, 3, 3, 1]);
    }
  });
});

describe("places", () => {
  it.each([
    ["linux", {}, ".local/share/coarsegrad"],
    ["linux", { XDG_DATA_HOME: "/xdg" }, "/xdg/coarsegrad"],
    ["freebsd", { XDG_DATA_HOME: "" }, ".local/share/coarsegrad"],
    ["darwin", { XDG_DATA_HOME: "/xdg" }, "Library/Application Support/coarsegrad"],
    ["win32", { LOCALAPPDATA: "/local" }, "/local/coarsegrad"],
    ["win32", {}, "AppData/Local/coarsegrad"],
  ])("the usual one on %s with %j", (platform, env, folder) => {
    const usual = join(folder.startsWith("/") ? "" : "/h", folder);
    expect(dataFolder({ env, home: "/h", platform })).toBe(usual);
    expect(dataFolder({ env: { ...env, COARSEGRAD_DATA: "/b" }, home: "/h", platform })).toBe("/b");
    expect(dataRoots({ env, home: "/h", platform })).toEqual([usual]);
  });
  it("are --data-dir alone, else COARSEGRAD_DATA and the usual one, in this order", async () => {
    const places = { env: { COARSEGRAD_DATA: "/b" }, home: "/h", platform: "linux" };
    expect(dataRoots(places)).toEqual(["/b", join("/h/.local/share/coarsegrad")]);
    expect(dataRoots({ ...places, dataDir: "/a" })).toEqual(["/a"]);
    expect(dataRoots({ env: { COARSEGRAD_DATA: "" }, home: "/h" }).length).toBe(1);
    const everywhere = { ...nowhere(), env: { COARSEGRAD_DATA: join(root, "b") } };
    // From the last place to the first: each hides those after it.
    for (const folder of [join(root, "home/.local/share/coarsegrad"), join(root, "b")]) {
      await put(join(folder, "mnist"), idxFiles());
      expect(await findDataDir("mnist", everywhere)).toBe(join(folder, "mnist"));
    }
    // A folder that is named is the one that is used, or refused: never another one in its place.
    const named = { ...everywhere, dataDir: join(root, "a") };
    await expect(findDataDir("mnist", named)).rejects.toThrow(
      `${named.dataDir}: not a data directory; expected a folder that is there, got no such folder`,
    );
    await put(join(root, "a"), { "notes.txt": new Uint8Array(1) });
    await expect(findDataDir("mnist", named)).rejects.toThrow(/^mnist: data set not found; expected .* in one of /);
    await expect(findDataDir("mnist", { ...named, dataDir: join(root, "a/notes.txt") })).rejects.toThrow("got a file");
    await put(join(root, "a/mnist"), idxFiles());
    expect(await findDataDir("mnist", named)).toBe(join(root, "a/mnist"));
  });
  it("a folder with the files may be named directly, unless its name is another data set's", async () => {
    await put(join(root, "my-digits"), idxFiles());
    await put(join(root, "fashion-mnist"), idxFiles());
    expect(await findDataDir("mnist", { ...nowhere(), dataDir: join(root, "my-digits") })).toBe(
      join(root, "my-digits"),
    );
    await expect(findDataDir("mnist", { ...nowhere(), dataDir: join(root, "fashion-mnist") })).rejects.toThrow(
      DataError,
    );
    expect(await findDataDir("fashion-mnist", { ...nowhere(), dataDir: root })).toBe(join(root, "fashion-mnist"));
  });
  it("an incomplete folder does not count, and the error lists every place", async () => {
    await put(
      join(root, "a/mnist"),
      idxFiles(({ "t10k-labels-idx1-ubyte": _, ...rest }) => rest),
    );
    const error = await findDataDir("mnist", { ...nowhere(), dataDir: join(root, "a") }).catch((e: Error) => e);
    expect(error).toBeInstanceOf(DataError);
    const { message } = error as Error;
    expect(message).toMatch(/^mnist: data set not found; expected train-images-idx3-ubyte/);
    for (const place of ["a", "a/mnist", "a/MNIST/raw"]) expect(message).toContain(join(root, place));
    expect(message).not.toContain(join(root, "home"));
    expect(message).toContain(`got ${join(root, "a/mnist")} without t10k-labels-idx1-ubyte;`);
    expect(message).toContain(`coarsegrad data download mnist --data-dir ${join(root, "a")}`);
    const elsewhere = await findDataDir("mnist", nowhere()).catch((e: Error) => e);
    expect((elsewhere as Error).message).toContain(join(root, "home/.local/share/coarsegrad/mnist"));
  });
  it("refuses unknown and generated names", async () => {
    await expect(findDataDir("imagenet", nowhere())).rejects.toThrow(/unknown name/);
    await expect(findDataDir("digits", nowhere())).rejects.toThrow(ArgumentError);
  });
});

describe("loadDataset", () => {
  it("digits, generated", async () => {
    const loaded = await loadDataset("digits", { seed: 4, limits: { train: 20, test: 10 } });
    expect(loaded).toEqual(digits({ seed: 4, train: 20, test: 10 }));
    expect((await loadDataset("digits")).train.count).toBe(6000);
  });
  it.each([
    ["plain", idxFiles()],
    ["gzip", gzipped(idxFiles())],
  ])("IDX files, %s", async (_, files) => {
    await put(join(root, "mnist"), files);
    const { train, test } = await loadDataset("mnist", { ...nowhere(), dataDir: root });
    expect([train.name, train.count, test.name, test.count]).toEqual(["mnist/train", 5, "mnist/test", 3]);
    expect(train.labels).toEqual(Uint8Array.of(0, 1, 2, 3, 4));
    expect(test.labels).toEqual(Uint8Array.of(1, 2, 3));
    expect([...test.images.slice(0, 3)]).toEqual([1, 2, 3]);
    const limited = await loadDataset("mnist", { ...nowhere(), dataDir: root, limits: { train: 2 } });
    expect([limited.train.count, limited.train.images.length, limited.test.count]).toEqual([2, 2 * 784, 3]);
  });
  it.each<[string, string, () => Files]>([
    ["plain files", "cifar-10", cifarFiles],
    ["the public folder", "cifar-10-batches-bin", cifarFiles],
    [
      "Brotli files",
      "cifar-10",
      () => Object.fromEntries(Object.entries(cifarFiles()).map(([name, b]) => [`${name}.br`, brotliCompressSync(b)])),
    ],
    [
      "the public archive",
      "cifar-10",
      () => {
        const files = Object.entries(cifarFiles()).map(([name, bytes]) => [`cifar-10-batches-bin/${name}`, bytes]);
        return {
          "cifar-10-binary.tar.gz": gzipSync(
            tarOf({ "cifar-10-batches-bin/": new Uint8Array(0), ...Object.fromEntries(files) }),
          ),
        };
      },
    ],
  ])("CIFAR-10 from %s", async (_, folder, files) => {
    await put(join(root, folder), files());
    const { train, test } = await loadDataset("cifar10", { ...nowhere(), dataDir: root });
    expect([...train.labels]).toEqual([1, 0, 2, 0, 3, 0, 4, 0, 5, 0]);
    expect([...test.labels]).toEqual([7]);
    expect([...test.images.slice(0, 6)]).toEqual([255, 70, 70, 70, 70, 70]);
    expect(train.classNames?.[3]).toBe("cat");
    train.images.slice(0, 1)[0] = 1;
    expect(train.images[0]).toBe(255);
    const some = await loadDataset("cifar10", { ...nowhere(), dataDir: root, limits: { train: 3, test: 0 } });
    expect([...some.train.labels, some.test.count]).toEqual([1, 0, 2, 0]);
  });
  it("refuses bad limits", async () => {
    await expect(loadDataset("digits", { limits: { train: -1 } })).rejects.toThrow(ArgumentError);
    await expect(loadDataset("mnist", { ...nowhere(), limits: { test: 0.5 } })).rejects.toThrow(/bad limit/);
  });
});

describe("broken files", () => {
  it.each<[string, Files, RegExp]>([
    [
      "a cut gzip stream",
      gzipped(idxFiles()),
      /train-images-idx3-ubyte\.gz: cannot be unpacked; expected a complete gzip/,
    ],
    [
      "images of another size",
      idxFiles((files) => ({
        ...files,
        "train-images-idx3-ubyte": writeIdx([5, 27, 28], new Uint8Array(5 * 27 * 28)),
      })),
      /train-images.*: not the expected images; expected u8 images \[N,28,28\], got \[5,27,28\]/,
    ],
    [
      "labels for fewer images",
      idxFiles((files) => ({ ...files, "t10k-labels-idx1-ubyte": writeIdx([2], new Uint8Array(2)) })),
      /t10k-labels.*: not the labels; expected u8 labels \[3\].* got \[2\]/,
    ],
    [
      "a label out of range",
      idxFiles((files) => ({ ...files, "train-labels-idx1-ubyte": writeIdx([5], Uint8Array.of(0, 1, 2, 10, 0)) })),
      /train-labels-idx1-ubyte: label out of range in record 3; expected 0 to 9, got 10/,
    ],
    [
      "a cut file",
      idxFiles((files) => ({ ...files, "train-images-idx3-ubyte": files["train-images-idx3-ubyte"].slice(0, 1000) })),
      /train-images-idx3-ubyte: truncated IDX file; expected 3936 bytes/,
    ],
  ])("%s", async (what, files, message) => {
    const images = files["train-images-idx3-ubyte.gz"];
    if (what.includes("gzip")) files = { ...files, "train-images-idx3-ubyte.gz": images.slice(0, images.length - 20) };
    await put(join(root, "mnist"), files);
    const failure = loadDataset("mnist", { ...nowhere(), dataDir: root });
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.toThrow(FormatError);
  });
  it("a CIFAR batch cut short, and an archive that lacks one", async () => {
    await put(join(root, "cifar-10"), { ...cifarFiles(), "data_batch_2.bin": new Uint8Array(3000) });
    const failure = loadDataset("cifar10", { ...nowhere(), dataDir: root, limits: { train: 4 } });
    await expect(failure).rejects.toThrow(/data_batch_2\.bin: not a whole number of CIFAR-10 records/);
    await put(join(root, "b/cifar-10"), {
      "cifar-10-binary.tar.gz": gzipSync(tarOf({ "data_batch_1.bin": record(1) })),
    });
    const lacking = loadDataset("cifar10", { ...nowhere(), dataDir: join(root, "b") });
    await expect(lacking).rejects.toThrow(/incomplete archive; expected data_batch_2\.bin/);
  });
});
