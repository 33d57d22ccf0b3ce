/**
 * @file Tiny-ImageNet, from a small set made here in the archive's layout: folder, archive, decoded pictures kept and
 * made anew, batches from the file, and everything that may be broken. The real one where it is present.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DataError, FormatError } from "../../src/core/errors.js";
import { DataLoader } from "../../src/data/loader.js";
import { datasetInfo } from "../../src/data/registry.js";
import { TINY_IMAGENET_IDS, TINY_IMAGENET_NAMES } from "../../src/data/tiny-imagenet.js";
import { horizontalFlip, randomCrop } from "../../src/data/transforms.js";
import { readSafetensors } from "../../src/io/safetensors.js";
import { findDataDir, loadDataset, lookAtPixels, openDatasetPixels } from "../../src/node/data-files.js";
import { decodeImage } from "../../src/node/images/picture.js";
import { openLoaders } from "../../src/node/loading/run-loaders.js";
import { PIXEL_FILE } from "../../src/node/tiny-imagenet/open.js";
import { ZipFile } from "../../src/node/zip-file.js";
import { runConfig } from "../../src/run/settings.js";
import { zipOf } from "../io/zip-of.js";
import { colour, type Files, put, tinyFiles } from "./tiny-tree.js";

let root: string;
let files: Files;
beforeAll(() => {
  files = tinyFiles();
});
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "coarsegrad-tiny-"));
});
afterEach(() => rm(root, { recursive: true }));

const NAME = "tiny-imagenet";
const SIZE = 64 * 64 * 3;
const places = () => ({ env: {}, home: "/nowhere", platform: "linux", dataDir: root });
const tree = () => path.join(root, "tiny-imagenet-200");
const pixels = () => path.join(tree(), PIXEL_FILE);
const archived = (deflated: boolean, zip64 = false, own = files) =>
  zipOf(
    Object.entries(own).map(([name, bytes]) => [`tiny-imagenet-200/${name}`, bytes] as const),
    zip64,
    deflated,
  );

/** Whether bytes are equal: matchers take seconds for millions of them. */
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

describe("Tiny-ImageNet in small", () => {
  it("comes in an order in which the first pictures are of all classes, with the decoder's pixels", async () => {
    await put(tree(), files);
    const { train, test } = await loadDataset(NAME, places());
    expect(train).toMatchObject({ name: "tiny-imagenet/train", count: 401, shape: [64, 64, 3], classes: 200 });
    expect(test).toMatchObject({ name: "tiny-imagenet/test", count: 5 });
    expect(train.classNames?.slice(0, 2)).toEqual(["goldfish", "European fire salamander"]);
    expect([...train.labels]).toEqual([...Array(401).keys()].map((n) => (n === 400 ? 199 : n % 200)));
    expect([...test.labels]).toEqual([7, 199, 0, 7, 42]);
    const picture = (n: number) => train.images.subarray(n * SIZE, (n + 1) * SIZE);
    expect(picture(3)).toEqual(decodeImage("", colour(3)).pixels);
    expect(picture(400)).toEqual(decodeImage("", colour(201 % 16)).pixels);
    expect(test.images.subarray(SIZE, 2 * SIZE)).toEqual(decodeImage("", colour(199 % 16)).pixels);
    // The grey one, in all three channels.
    expect(picture(200)).toEqual(new Uint8Array(SIZE).fill(200));
    const some = await loadDataset(NAME, { ...places(), limits: { train: 3, test: 0 } });
    expect([some.train.count, some.test.count]).toEqual([3, 0]);
    expect(some.train.images).toEqual(train.images.subarray(0, 3 * SIZE));
    expect(await findDataDir(NAME, places())).toBe(tree());
  });

  it("is the same from the archive, stored or deflated, with ZIP64's records or without", async () => {
    await put(tree(), files);
    const made = await openDatasetPixels(NAME, places());
    for (const [deflated, zip64] of [
      [false, false],
      [true, true],
    ]) {
      const dataDir = path.join(root, `archive-${deflated}`);
      await put(dataDir, { "tiny-imagenet-200.zip": archived(deflated, zip64) });
      const same = await openDatasetPixels(NAME, { ...places(), dataDir });
      expect(same?.sha256).toBe(made?.sha256);
      expect(same?.train.labels).toEqual(made?.train.labels);
    }
  });

  it("keeps its decoded pictures in a safetensors file, from which it is read again", async () => {
    await put(tree(), files);
    const told: number[] = [];
    const options = { ...places(), onPrepare: ({ done }: { done: number }) => void told.push(done) };
    expect((await lookAtPixels(NAME, places()))?.sha256).toBeNull();
    const first = await loadDataset(NAME, options);
    expect(told.at(-1)).toBe(406);
    const { tensors, metadata } = readSafetensors(await readFile(pixels()));
    expect(tensors.get("train.images")?.shape).toEqual([401, 64, 64, 3]);
    expect(same(tensors.get("train.images")?.data as Uint8Array, first.train.images)).toBe(true);
    expect(tensors.get("test.labels")?.data).toEqual(first.test.labels);
    expect(await lookAtPixels(NAME, places())).toMatchObject({ file: pixels(), sha256: metadata.sha256 });
    // What lies in the folder is not decoded again.
    await put(tree(), { "train/n01443537/images/n01443537_9.JPEG": new Uint8Array(9) });
    told.length = 0;
    const second = await loadDataset(NAME, options);
    expect(same(second.train.images, first.train.images)).toBe(true);
    expect(same(second.test.images, first.test.images)).toBe(true);
    expect(second.train.labels).toEqual(first.train.labels);
    expect(second.test.labels).toEqual(first.test.labels);
    expect(told).toEqual([]);
    // A file that comes makes it anew, and what is broken comes out; the former file stays.
    await put(tree(), { "train/n01443537/images/n01443537_99.JPEG": colour(1) });
    await expect(loadDataset(NAME, options)).rejects.toThrow(FormatError);
    await expect(loadDataset(NAME, options)).rejects.toThrow(/n01443537_9\.JPEG: not an image that can be read/);
    expect((await readdir(tree())).filter((name) => name.includes("pixels"))).toEqual([PIXEL_FILE]);
  });

  it("does without its files where the decoded pictures are, and makes damaged ones anew", async () => {
    await put(tree(), files);
    const made = await openDatasetPixels(NAME, places());
    const good = await readFile(pixels());
    for (const damage of [
      (bytes: Uint8Array) => bytes.fill(bytes[5000] ^ 1, 5000, 5001),
      (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 1),
      (bytes: Uint8Array) => bytes.subarray(0, 100),
      (bytes: Uint8Array) => bytes.fill(0x7b, 8, 20),
    ]) {
      await writeFile(pixels(), damage(Uint8Array.from(good)));
      let told = 0;
      const again = await openDatasetPixels(NAME, { ...places(), onPrepare: () => void told++ });
      expect([again?.sha256, told > 0]).toEqual([made?.sha256, true]);
      expect(same(await readFile(pixels()), good)).toBe(true);
    }
    const dataDir = path.join(root, "alone");
    await put(dataDir, { [PIXEL_FILE]: good });
    expect((await loadDataset(NAME, { ...places(), dataDir })).test.count).toBe(5);
    await put(dataDir, { [PIXEL_FILE]: good.subarray(0, 9000) });
    await expect(loadDataset(NAME, { ...places(), dataDir })).rejects.toThrow(/pixels.safetensors: damaged/);
  });

  it("puts decoded pictures where it is told, and leaves nothing when it is stopped", async () => {
    await put(tree(), files);
    const cacheDir = path.join(root, "cache");
    const made = await openDatasetPixels(NAME, { ...places(), cacheDir });
    expect(made?.train.file).toBe(path.join(cacheDir, PIXEL_FILE));
    const named = await openDatasetPixels(NAME, { ...places(), env: { COARSEGRAD_CACHE: cacheDir } });
    expect(named).toEqual(made);
    const stop = new AbortController();
    const onPrepare = () => stop.abort(new Error("enough"));
    await expect(loadDataset(NAME, { ...places(), onPrepare, signal: stop.signal })).rejects.toThrow("enough");
    expect((await readdir(tree())).sort()).toEqual(["train", "val", "wnids.txt", "words.txt"]);
    await put(root, { file: new Uint8Array(1) });
    const nowhere = loadDataset(NAME, { ...places(), cacheDir: path.join(root, "file", "sub") });
    await expect(nowhere).rejects.toThrow(/cannot be written.*COARSEGRAD_CACHE names another folder/);
    await expect(nowhere).rejects.toThrow(DataError);
  });
});

describe("batches from the file", () => {
  it("are those of a loader of the same pictures in memory, shards of them and what is held out too", async () => {
    await put(tree(), files);
    const { train } = await loadDataset(NAME, places());
    const config = runConfig({ model: "mlp", data: NAME, batch: 60, augment: "crop-flip", seed: 3, limit: 390 });
    const options = { dataDir: root };
    const loaders = await openLoaders(config, options);
    const images = {
      ...train,
      count: 390,
      labels: train.labels.slice(0, 390),
      images: train.images.slice(0, 390 * SIZE),
    };
    const transforms = [randomCrop({ padding: 4 }), horizontalFlip()];
    const inMemory = new DataLoader(images, { batch: 60, shuffle: true, seed: 3, transforms });
    for (const range of [undefined, { first: 1, end: 3, shards: 4 }]) {
      for await (const batch of loaders.train.epoch(2, 1, range)) {
        const { images, ...rest } = batch;
        const { images: others, ...wanted } = inMemory.batch(2, batch.index, undefined, range);
        expect(rest).toEqual(wanted);
        expect(same(images, others)).toBe(true);
      }
    }
    expect([loaders.train.batches, loaders.test.images, loaders.train.classes]).toEqual([7, 5, 200]);
    await loaders.close();
    const held = await openLoaders({ ...config, validate: 50 }, options);
    const seen = new Set<number>();
    for (const part of [held.train, held.validation]) {
      for await (const { images, labels, count } of part?.epoch(0) ?? []) {
        for (let k = 0; k < count; k++) seen.add(labels[k] + images.length * 0);
      }
    }
    expect([held.train.images, held.validation?.images, seen.size]).toEqual([340, 50, 200]);
    await held.close();
  });
});

const IDS = TINY_IMAGENET_IDS;
const bytes = (text: string) => new TextEncoder().encode(text);
describe("what is refused", () => {
  it.each<[string, Readonly<Record<string, Uint8Array | null>>, RegExp]>([
    [
      "an unknown class",
      { "wnids.txt": bytes(`${IDS.slice(1).join("\n")}\nn99999999`) },
      /wnids.txt: not the classes of this data set.*unknown n99999999, none of n01443537, 200 lines/,
    ],
    [
      "another name",
      { "words.txt": bytes("n01443537\tcarp") },
      /words.txt: not the name of n01443537; expected goldfish, got carp/,
    ],
    [
      "a folder of another class",
      { "train/n99999999/images/a.JPEG": colour(1) },
      /train: folders of unknown classes.*n99999999/,
    ],
    [
      "a class without pictures",
      {
        "train/n01443537/images/n01443537_9.JPEG": null,
        "train/n01443537/images/n01443537_10.JPEG": null,
        "train/n01443537/images/x.txt": bytes("no picture"),
      },
      /n01443537.images: no pictures/,
    ],
    [
      "a picture that was lost",
      { "train/n01443537/images/n01443537_9.JPEG": null },
      /pictures are missing; expected the 2 of n01443537_boxes.txt, got none called n01443537_9.JPEG; unpack/,
    ],
    [
      "a missing annotation",
      { "val/images/val_7.JPEG": colour(1) },
      /val_annotations.txt: pictures without a line; expected one line for each, got val_7.JPEG/,
    ],
    [
      "an annotation of an unknown class",
      { "val/val_annotations.txt": bytes("val_0.JPEG\tn99999999\t0") },
      /line 1: unknown class; expected one of wnids.txt, got n99999999/,
    ],
    [
      "an annotation twice",
      { "val/val_annotations.txt": bytes(`val_0.JPEG\t${IDS[0]}\nval_0.JPEG\t${IDS[0]}`) },
      /line 2: a picture twice/,
    ],
    [
      "a picture to test on that was lost",
      { "val/images/val_3.JPEG": null },
      /pictures are missing; expected the 5 of val_annotations.txt, got none called val_3.JPEG/,
    ],
    ["a broken picture", { "val/images/val_3.JPEG": colour(1).subarray(0, 300) }, /val_3.JPEG: damaged JPEG/],
    [
      "a picture of another size",
      { "val/images/val_3.JPEG": colour(1, 32) },
      /val_3.JPEG: not a picture of this data set; expected 64×64 pixels, got 32×32/,
    ],
  ])("%s, in the folder and in the archive", async (_, change, message) => {
    const changed = Object.entries({ ...files, ...change }).flatMap(([name, own]) =>
      own === null ? [] : [[name, own]],
    );
    const broken: Files = Object.fromEntries(changed);
    await put(tree(), broken);
    await put(path.join(root, "zip"), { "tiny-imagenet-200.zip": archived(false, false, broken) });
    for (const dataDir of [root, path.join(root, "zip")]) {
      const found = loadDataset(NAME, { ...places(), dataDir });
      await expect(found).rejects.toThrow(message);
      await expect(found).rejects.toSatisfy((error) => error instanceof FormatError || error instanceof DataError);
    }
    expect((await readdir(tree())).filter((name) => name.includes("pixels"))).toEqual([]);
  });

  it("an archive that is damaged or ends early", async () => {
    const whole = archived(true);
    for (const [name, changed, message] of [
      ["cut", whole.subarray(0, whole.length - 30), /not a ZIP archive/],
      ["changed", whole.with(200, whole[200] ^ 0xff), /tiny-imagenet-200.zip: "[^"]*": (?:compressed data|checksum)/],
    ] as const) {
      const dataDir = path.join(root, name);
      await put(dataDir, { "tiny-imagenet-200.zip": changed });
      await expect(loadDataset(NAME, { ...places(), dataDir })).rejects.toThrow(message);
    }
  });

  it("a place without it, telling how to come by it", async () => {
    await mkdir(path.join(tree(), "train"), { recursive: true });
    await expect(loadDataset(NAME, places())).rejects.toThrow(
      /data set not found; expected tiny-imagenet-200.zip, or train\/.*data download tiny-imagenet --data-dir/,
    );
  });
});

describe("archives of more members than old writers can count", () => {
  const members = Array.from({ length: 70_000 }, (_, n) => [`${n}`, new Uint8Array(n === 69_999 ? 3 : 0)] as const);
  it.each([false, true])("are read to their end, with ZIP64's records: %s", async (zip64) => {
    const file = path.join(root, "many.zip");
    await writeFile(file, zipOf(members, zip64));
    const zip = await ZipFile.open(file);
    const entries = await zip.entries();
    expect([entries.length, entries[69_999].name]).toEqual([70_000, "69999"]);
    expect(await zip.contents(entries[69_999], 3)).toEqual(new Uint8Array(3));
    await expect(zip.contents(entries[69_999], 2)).rejects.toThrow(/larger than what is read/);
    await zip.close();
  });
});

const absent = await lookAtPixels(NAME).then(
  (found) => found?.sha256 == null,
  () => true,
);
describe("Tiny-ImageNet itself", () => {
  it.skipIf(absent)(
    "has its pictures, names, mean and deviation (skipped where it is not, decoded)",
    async () => {
      const info = datasetInfo(NAME);
      const found = await openDatasetPixels(NAME);
      expect(found?.sha256).toBe(info.pixelsSha256);
      const { test } = await loadDataset(NAME, { limits: { train: 0 } });
      expect([found?.train.labels.length, test.count]).toEqual([100_000, 10_000]);
      const counts = (labels: Uint8Array) =>
        new Set(IDS.map((_, label) => labels.filter((one) => one === label).length));
      expect([counts(found?.train.labels as Uint8Array), counts(test.labels as Uint8Array)]).toEqual([
        new Set([500]),
        new Set([50]),
      ]);
      expect(TINY_IMAGENET_NAMES).toHaveLength(200);
      // Of 10,000 training pictures: the constants are those of all.
      const { train } = await loadDataset(NAME, { limits: { train: 10_000, test: 0 } });
      for (let c = 0; c < 3; c++) {
        let [sum, squares, n] = [0, 0, 0];
        for (let i = c; i < train.images.length; i += 3, n++) {
          sum += train.images[i];
          squares += train.images[i] ** 2;
        }
        expect(sum / n / 255).toBeCloseTo(info.mean[c], 2);
        expect(Math.sqrt(squares / n - (sum / n) ** 2) / 255).toBeCloseTo(info.std[c], 2);
      }
    },
    120_000,
  );
});
