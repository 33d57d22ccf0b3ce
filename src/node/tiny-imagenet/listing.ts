/**
 * @file The pictures of Tiny-ImageNet and their classes, as its archive says them: `wnids.txt`, `words.txt`, a folder
 * for each class to train on, and `val/val_annotations.txt`.
 */
import { DataError, FormatError } from "../../core/errors.js";
import { firstOf } from "../../core/first-of.js";
import { TINY_IMAGENET_IDS, TINY_IMAGENET_NAMES } from "../../data/tiny-imagenet.js";
import type { TinyFile, TinyTree } from "./tree.js";

/** A picture and its class. */
export interface Picture {
  readonly file: TinyFile;
  readonly label: number;
}

/** The pictures of both parts. */
export interface TinyListing {
  /** By their numbers, each class's first picture before any second one: the first n are of all classes. */
  readonly train: readonly Picture[];
  /** As `val_annotations.txt` has them. */
  readonly test: readonly Picture[];
}

const LABELS: ReadonlyMap<string, number> = new Map(TINY_IMAGENET_IDS.map((id, label) => [id, label]));
const PICTURE = /\.jpe?g$/i;

/**
 * Lists the pictures.
 *
 * @throws FormatError if the classes are not the data set's, a picture has no annotation, or a line is none; DataError
 * if files are missing
 */
export async function listTiny(tree: TinyTree): Promise<TinyListing> {
  await checkClasses(tree);
  await checkWords(tree);
  return { train: await trainPictures(tree), test: await testPictures(tree) };
}

const lines = (bytes: Uint8Array): string[] =>
  new TextDecoder()
    .decode(bytes)
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "");

function refuse(op: string, what: string, expected: string, got: string, hint?: string): never {
  throw new FormatError({ op, what, expected, got, hint });
}

/** Some of many names. */
const some = (names: readonly string[]): string => firstOf(names, 3);

async function checkClasses(tree: TinyTree): Promise<void> {
  const name = "wnids.txt";
  const ids = lines(await tree.read(tree.file(name))).map((line) => line.trim());
  const unknown = ids.filter((id) => !LABELS.has(id));
  const missing = TINY_IMAGENET_IDS.filter((id) => !ids.includes(id));
  if (unknown.length === 0 && missing.length === 0 && ids.length === LABELS.size) return;
  const got = [
    ...(unknown.length > 0 ? [`unknown ${some(unknown)}`] : []),
    ...(missing.length > 0 ? [`none of ${some(missing)}`] : []),
    `${ids.length} lines`,
  ].join(", ");
  refuse(tree.pathOf(name), "not the classes of this data set", `its ${LABELS.size} numbers of WordNet`, got);
}

async function checkWords(tree: TinyTree): Promise<void> {
  const name = "words.txt";
  const words = new Map<string, string>();
  for (const line of lines(await tree.read(tree.file(name)))) {
    const [id, text = ""] = line.split("\t");
    if (LABELS.has(id)) words.set(id, text.split(",")[0].trim());
  }
  for (const [id, label] of LABELS) {
    if (words.get(id) === TINY_IMAGENET_NAMES[label]) continue;
    refuse(tree.pathOf(name), `not the name of ${id}`, TINY_IMAGENET_NAMES[label], words.get(id) ?? "no line");
  }
}

/** By their number, as far as names have one: `n01443537_9.JPEG` before `n01443537_10.JPEG`. */
function byNumber(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : 1);
}

async function trainPictures(tree: TinyTree): Promise<Picture[]> {
  const folders = await tree.list("train", "folders");
  const unknown = folders.filter((id) => !LABELS.has(id));
  if (unknown.length > 0) {
    refuse(tree.pathOf("train"), "folders of unknown classes", `those of the ${LABELS.size} classes`, some(unknown));
  }
  const classes: string[][] = [];
  for (const id of TINY_IMAGENET_IDS) {
    const folder = `train/${id}/images`;
    const names = (await tree.list(folder, "files")).filter((name) => PICTURE.test(name)).sort(byNumber);
    if (names.length === 0) {
      throw new DataError({ op: tree.pathOf(folder), what: "no pictures", expected: "JPEG files", got: "none" });
    }
    await checkWhole(tree, id, names);
    classes.push(names.map((name) => `${folder}/${name}`));
  }
  const most = classes.reduce((longest, names) => Math.max(longest, names.length), 0);
  const pictures: Picture[] = [];
  for (let k = 0; k < most; k++) {
    for (const [label, names] of classes.entries()) {
      if (k < names.length) pictures.push({ file: tree.file(names[k]), label });
    }
  }
  return pictures;
}

/** The list of boxes beside a class's pictures names all of them: what is not there was lost on the way. */
async function checkWhole(tree: TinyTree, id: string, names: readonly string[]): Promise<void> {
  const boxes = `${id}_boxes.txt`;
  if (!(await tree.list(`train/${id}`, "files")).includes(boxes)) return;
  const present = new Set(names);
  const listed = lines(await tree.read(tree.file(`train/${id}/${boxes}`))).map((line) => line.split("\t")[0]);
  lost(
    tree,
    `train/${id}/images`,
    boxes,
    listed.length,
    listed.filter((name) => !present.has(name)),
  );
}

function lost(tree: TinyTree, folder: string, list: string, count: number, missing: readonly string[]): void {
  if (missing.length === 0) return;
  throw new DataError({
    op: tree.pathOf(folder),
    what: "pictures are missing",
    expected: `the ${count} of ${list}`,
    got: `none called ${some(missing)}`,
    hint: "unpack the archive again",
  });
}

async function testPictures(tree: TinyTree): Promise<Picture[]> {
  const list = "val/val_annotations.txt";
  const labels = new Map<string, number>();
  for (const [n, line] of lines(await tree.read(tree.file(list))).entries()) {
    const [name, id = ""] = line.split("\t");
    const label = LABELS.get(id.trim());
    const at = `line ${n + 1}`;
    if (label === undefined) return refuse(tree.pathOf(list), `${at}: unknown class`, "one of wnids.txt", id || "none");
    if (labels.has(name)) return refuse(tree.pathOf(list), `${at}: a picture twice`, "one line for each", name);
    labels.set(name, label);
  }
  const names = (await tree.list("val/images", "files")).filter((name) => PICTURE.test(name));
  const unlabelled = names.filter((name) => !labels.has(name));
  if (unlabelled.length > 0)
    refuse(tree.pathOf(list), "pictures without a line", "one line for each", some(unlabelled));
  const present = new Set(names);
  lost(
    tree,
    "val/images",
    "val_annotations.txt",
    labels.size,
    [...labels.keys()].filter((name) => !present.has(name)),
  );
  if (labels.size === 0) {
    throw new DataError({ op: tree.pathOf(list), what: "no pictures to test on", expected: "lines", got: "none" });
  }
  return [...labels].map(([name, label]) => ({ file: tree.file(`val/images/${name}`), label }));
}
