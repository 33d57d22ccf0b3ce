/** @file Image folders as they lie on disks: what operating systems and notebooks leave in them, links, empty classes. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openImageFolder } from "../../src/node/images/folder.js";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "coarsegrad-folders-"));
});
afterEach(() => rm(root, { recursive: true }));

/** Empty files: nothing is decoded here. */
async function put(...files: string[]): Promise<void> {
  for (const file of files) {
    const at = path.join(root, file);
    await mkdir(path.dirname(at), { recursive: true });
    await writeFile(at, "");
  }
}

describe("what counts for nothing", () => {
  const good = ["cat/a.png", "dog/b.JPG", "dog/c.jpeg"];
  const aside = [
    ".ipynb_checkpoints/x.png",
    ".git/x.png",
    "__MACOSX/cat/._a.png",
    "cat/._a.png",
    "cat/.ipynb_checkpoints/a-checkpoint.png",
    "dog/.hidden.png",
    "dog/Thumbs.db",
    ".DS_Store",
    "README.txt",
    "._cat",
  ];
  it.each(["", "train/", "val/"])("is left out, in '%s'", async (part) => {
    if (part === "") await put(...good, ...aside);
    else {
      await put(...good.map((file) => `train/${file}`), ...good.map((file) => `val/${file}`));
      await put(...aside.map((file) => part + file));
    }
    const { train, test } = await openImageFolder(root);
    for (const each of [train, test]) {
      expect(each.classNames).toEqual(["cat", "dog"]);
      expect(each.files).toEqual(["cat/a.png", "dog/b.JPG", "dog/c.jpeg"].map(path.normalize));
      expect(each.labels).toEqual([0, 1, 1]);
    }
  });
});

describe("links", () => {
  it("count as what they lead to", async () => {
    await put("in/cat/a.png", "out/dogs/b.png", "out/c.png", "out/list.txt", "out/sub/x.png");
    await symlink(path.join(root, "out/dogs"), path.join(root, "in/dog"));
    await symlink(path.join(root, "out/c.png"), path.join(root, "in/cat/c.png"));
    await symlink(path.join(root, "out/list.txt"), path.join(root, "in/list"));
    await symlink(path.join(root, "out/sub"), path.join(root, "in/cat/sub.png"));
    const { train } = await openImageFolder(path.join(root, "in"));
    expect(train.classNames).toEqual(["cat", "dog"]);
    expect(train.files).toEqual(["cat/a.png", "cat/c.png", "dog/b.png"].map(path.normalize));
  });
  it("that lead nowhere, or in a circle, are named before anything is trained", async () => {
    await put("cat/a.png", "dog/b.png");
    await symlink(path.join(root, "gone.png"), path.join(root, "dog/gone.png"));
    await expect(openImageFolder(root)).rejects.toThrow(
      `${path.join(root, "dog/gone.png")}: cannot be read; expected a folder, got a link that leads nowhere`,
    );
    await rm(path.join(root, "dog/gone.png"));
    await symlink(path.join(root, "round"), path.join(root, "round"));
    await expect(openImageFolder(root)).rejects.toThrow("a link in a circle");
  });
});

describe("classes", () => {
  it("without pictures are named, with what lies in them instead", async () => {
    await put("cat/a.png", "dog/b.webp", "dog/c.WEBP", "dog/d.gif");
    await mkdir(path.join(root, "elk"));
    await expect(openImageFolder(root)).rejects.toThrow(
      /classes without pictures: dog, elk; expected \.png.*, got none in .*dog, but files of \.gif, \.webp; convert/,
    );
  });
  it("that only one part has are named", async () => {
    await put("train/cat/a.png", "train/dog/b.png", "val/cat/a.png", "val/dogs/b.png");
    await expect(openImageFolder(root)).rejects.toThrow(
      "expected 2 classes in train/ (dog only there), got 2 classes in val/ (dogs only there)",
    );
  });
  it("may be empty in the part to test on, but not hold other files alone", async () => {
    await put("train/cat/a.png", "train/dog/b.png", "val/cat/a.png");
    await mkdir(path.join(root, "val/dog"));
    expect((await openImageFolder(root)).test.classNames).toEqual(["cat", "dog"]);
    await put("val/dog/b.webp");
    await expect(openImageFolder(root)).rejects.toThrow("classes without pictures: dog");
  });
});
