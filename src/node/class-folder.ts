/**
 * @file Folders of examples: one folder for each class, as ImageNet and Speech Commands are laid out. What the files
 * hold is looked at later.
 */
import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { DataError } from "../core/errors.js";
import { firstOf } from "../core/first-of.js";
import { isFolder } from "./files.js";

/** What is looked for in a folder. */
export interface FileKind {
  /** For messages: `pictures`. */
  readonly noun: string;
  /** In small letters, with their dot. */
  readonly endings: readonly string[];
  /** Folders that are no classes. */
  readonly aside?: readonly string[];
}

/** Files of one part and their classes. */
export interface FolderPart {
  /** Name in messages. */
  readonly name: string;
  /** Its folder. */
  readonly directory: string;
  /** Paths below the directory, sorted within each class. */
  readonly files: readonly string[];
  /** Class of each file. */
  readonly labels: readonly number[];
  /** Names of the classes' folders, sorted: a class's number is its place. */
  readonly classNames: readonly string[];
}

/** The two parts of a folder of examples. */
export interface ClassFolder {
  /** Examples to learn from. */
  readonly train: FolderPart;
  /** Examples to measure on. */
  readonly test: FolderPart;
  /** True where there is no folder of examples to test on: `test` is `train`. */
  readonly testIsTraining: boolean;
}

/**
 * Lists a folder of examples: `train/` and `val/` (or `test/`) in it are the parts. Without `val/` the training part is
 * both, those in `train/` if folders are in there, else those of the folder itself.
 *
 * Hidden files and folders (`._cat.jpg`, `.ipynb_checkpoints`) and `__MACOSX` count for nothing; links count as what
 * they lead to.
 *
 * @throws DataError that names what is wrong: no classes, a class without files of that kind, parts with different classes, links
 * that lead nowhere
 */
export async function openClassFolder(directory: string, kind: FileKind): Promise<ClassFolder> {
  const within = async (...names: string[]): Promise<string | undefined> => {
    for (const name of names) if (await isFolder(path.join(directory, name))) return path.join(directory, name);
    return undefined;
  };
  const train = await within("train");
  const test = await within("val", "test");
  const name = path.basename(path.resolve(directory));
  if (train === undefined || test === undefined) {
    const alone = train !== undefined && (await holdsFolders(train));
    const part = alone ? await listPart(train, `${name}/train`, kind) : await listPart(directory, name, kind);
    return { train: part, test: part, testIsTraining: true };
  }
  const parts = {
    train: await listPart(train, `${name}/train`, kind),
    test: await listPart(test, `${name}/test`, kind, true),
    testIsTraining: false,
  };
  if (parts.train.classNames.join("/") !== parts.test.classNames.join("/")) {
    const lacking = (from: FolderPart, others: FolderPart): string => {
      const names = from.classNames.filter((each) => !others.classNames.includes(each));
      return names.length === 0 ? "" : ` (${namesText(names)} only there)`;
    };
    const [expected, got] = [
      [parts.train, parts.test],
      [parts.test, parts.train],
    ].map(
      ([own, other]) => `${own.classNames.length} classes in ${path.basename(own.directory)}/${lacking(own, other)}`,
    );
    throw new DataError({ op: directory, what: "training and test folders have different classes", expected, got });
  }
  return parts;
}

/** Whether a folder named train is a part, with classes in it, or a class of that name, with files. */
async function holdsFolders(directory: string): Promise<boolean> {
  return (await entriesOf(directory, "folders")).length > 0;
}

/** Names that no class has: hidden folders (`.ipynb_checkpoints`), and what macOS puts into archives. */
const isAside = (name: string): boolean => name.startsWith(".") || name === "__MACOSX";

/** Entries of one kind in a folder, sorted; links count as what they lead to. */
export async function entriesOf(folder: string, kind: "folders" | "files"): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(unreadable(folder));
  const names: string[] = [];
  for (const entry of entries) {
    if (isAside(entry.name)) continue;
    const at = path.join(folder, entry.name);
    // Only links are asked again: a folder may hold a million files.
    const what = entry.isSymbolicLink() ? await stat(at).catch(unreadable(at, "a link that leads nowhere")) : entry;
    if (kind === "folders" ? what.isDirectory() : what.isFile()) names.push(entry.name);
  }
  return names.sort();
}

function unreadable(op: string, nothing = "no such folder") {
  return (error: Error): never => {
    const code = (error as NodeJS.ErrnoException).code;
    const got = code === "ENOENT" ? nothing : code === "ELOOP" ? "a link in a circle" : error.message;
    throw new DataError({ op, what: "cannot be read", expected: "a folder", got });
  };
}

async function listPart(
  directory: string,
  name: string,
  { noun, endings: known, aside = [] }: FileKind,
  mayBeEmpty = false,
): Promise<FolderPart> {
  const endings = known.join(", ");
  const classNames = (await entriesOf(directory, "folders")).filter((className) => !aside.includes(className));
  const files: string[] = [];
  const labels: number[] = [];
  const empty: { className: string; others: string[] }[] = [];
  for (const [label, className] of classNames.entries()) {
    const all = await entriesOf(path.join(directory, className), "files");
    const own = all.filter((file) => known.includes(path.extname(file).toLowerCase()));
    // Nothing to test on is no harm; files of a kind that is not read are.
    if (own.length === 0 && (!mayBeEmpty || all.length > 0)) empty.push({ className, others: all });
    for (const file of own) {
      files.push(path.join(className, file));
      labels.push(label);
    }
  }
  if (files.length === 0) {
    throw new DataError({
      op: directory,
      what: `no ${noun}`,
      expected: `a folder for each class, with ${endings} files in it`,
      got: `${classNames.length} folders${othersText(empty.flatMap(({ others }) => others))}`,
    });
  }
  if (empty.length > 0) {
    const [{ className, others }] = empty;
    throw new DataError({
      op: directory,
      what: `classes without ${noun}: ${namesText(empty.map((each) => each.className))}`,
      expected: `${endings} files in each class's folder`,
      got: `none in ${path.join(directory, className)}${othersText(others)}`,
      hint: `convert or add ${noun}, or take the folder away`,
    });
  }
  return { name, directory, files, labels, classNames };
}

/** Some names, on one line. */
const namesText = (names: readonly string[]): string => firstOf(names, 5);

/** What files there are instead. */
function othersText(files: readonly string[]): string {
  const endings = [...new Set(files.map((file) => path.extname(file).toLowerCase() || "no ending"))].sort();
  return endings.length === 0 ? "" : `, but files of ${namesText(endings)}`;
}

/** The first n files of each part; a class keeps its number. */
export function limitPart(part: FolderPart, limit: number | undefined): FolderPart {
  if (limit === undefined || limit >= part.files.length) return part;
  // Spread over the classes: the files are sorted by class.
  return partOf(
    part,
    Array.from({ length: limit }, (_, k) => Math.floor((k * part.files.length) / limit)),
  );
}

/** SHA-256 of the names of a part's files in their order, with their classes; what the files hold is not read. */
export function listingDigest({ files, labels }: FolderPart): string {
  const hash = createHash("sha256");
  for (const [n, file] of files.entries()) hash.update(`${labels[n]} ${file.split(path.sep).join("/")}\n`);
  return hash.digest("hex");
}

/** Some files of a part, by their indices, in order; a class keeps its number. */
export function partOf(part: FolderPart, chosen: ArrayLike<number>): FolderPart {
  const all = Array.from(chosen);
  return { ...part, files: all.map((n) => part.files[n]), labels: all.map((n) => part.labels[n]) };
}
