/** @file Checks and selections of data sets. */
import { describe, expect, it } from "vitest";
import { ArgumentError, FormatError } from "../../src/core/errors.js";
import { checkLabels, imageDataset, labelHistogram, subset } from "../../src/data/dataset.js";
import { DATASET_NAMES, datasetInfo } from "../../src/data/registry.js";

const make = (labels: Uint8Array | Int32Array, bytes = labels.length * 12) =>
  imageDataset({
    name: "toy",
    shape: [2, 2, 3],
    classes: 3,
    images: Uint8Array.from({ length: bytes }, (_, i) => i),
    labels,
  });

describe("imageDataset", () => {
  it("counts its images", () => {
    const toy = make(Uint8Array.of(0, 2, 2, 1));
    expect(toy.count).toBe(4);
    expect(labelHistogram(toy)).toEqual([1, 1, 2]);
  });
  it("refuses arrays that disagree", () => {
    expect(() => make(Uint8Array.of(0, 1), 23)).toThrow(
      /toy: images and labels disagree; expected 2 .*24 bytes.*got 23/,
    );
    const fields = {
      name: "toy",
      shape: [1, 1, 1] as const,
      classes: 3,
      images: new Uint8Array(1),
      labels: new Uint8Array(1),
    };
    expect(() => imageDataset({ ...fields, classNames: ["a"] })).toThrow(/bad class names; expected 3 names, got 1/);
  });
  it("refuses labels out of range, naming file and record", () => {
    expect(() => make(Int32Array.of(0, 1, -1))).toThrow(
      /^toy: label out of range in record 2; expected 0 to 2, got -1/,
    );
    expect(() => checkLabels(Uint8Array.of(0, 3), 3, "a/labels.gz")).toThrow(/^a\/labels\.gz: .* record 1; .* got 3/);
    expect(() => checkLabels(Uint8Array.of(3), 3, "f")).toThrow(FormatError);
  });
});

describe("subset", () => {
  const toy = make(Uint8Array.of(0, 2, 1));
  it("takes from the start, or by index, as copies", () => {
    const two = subset(toy, 2);
    expect([two.count, ...two.labels]).toEqual([2, 0, 2]);
    expect(two.images).toEqual(toy.images.slice(0, 24));
    two.images[0] = 99;
    expect(toy.images[0]).toBe(0);
    const picked = subset(toy, [2, 0, 2]);
    expect([picked.count, ...picked.labels]).toEqual([3, 1, 0, 1]);
    expect([picked.images[0], picked.images[12], picked.images[24]]).toEqual([24, 0, 24]);
    expect(subset(toy, 99).count).toBe(3);
    expect(subset(toy, Infinity).count).toBe(3);
    expect(subset(toy, 0).count).toBe(0);
  });
  it.each([[-1], [1.5], [Number.NaN], [[3]], [[-1]], [[0.5]]])("refuses %j", (which) => {
    expect(() => subset(toy, which)).toThrow(ArgumentError);
  });
});

describe("registry", () => {
  it.each(DATASET_NAMES)("%s is described consistently", (name) => {
    const info = datasetInfo(name);
    expect(info.name).toBe(name);
    expect(info.classNames.length).toBe(info.classes);
    expect([info.mean.length, info.std.length]).toEqual([info.shape[2], info.shape[2]]);
    // Sound has no file to download, but an origin.
    const downloads = info.format !== "generated" && info.origin === undefined;
    expect(info.files.length > 0).toBe(downloads);
    expect(info.mirrors.length > 0).toBe(downloads);
    expect(info.folders.length > 0).toBe(info.format !== "generated");
    for (const file of info.files) expect(file.sha256).toMatch(/^[0-9a-f]{64}$/);
    for (const mirror of info.mirrors) expect(new URL(mirror).href.endsWith("/")).toBe(true);
  });
  it("refuses other names, also those of Object", () => {
    expect(() => datasetInfo("cifar")).toThrow(
      /unknown name; expected digits, mnist, fashion-mnist, cifar10, tiny-imagenet, fsdd, got cifar/,
    );
    expect(() => datasetInfo("toString")).toThrow(ArgumentError);
  });
});
