/** @file The files of Tiny-ImageNet where they lie: unpacked in a folder, or in the archive as it is downloaded. */
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import path from "node:path";
import { DataError } from "../../core/errors.js";
import type { ZipEntry } from "../../io/zip-directory.js";
import { entriesOf } from "../class-folder.js";
import { isFolder, readFileBytes } from "../files.js";
import { ZipFile } from "../zip-file.js";

/** Name of the archive, and of the folder that is in it. */
export const TINY_ARCHIVE = "tiny-imagenet-200.zip";
const INSIDE = "tiny-imagenet-200";
/** Bytes of one file: words.txt has 2.7 million, a picture some thousands. */
const MOST_BYTES = 2 ** 24;

/** Where the files are: plain data, for threads. */
export interface TinyPlace {
  readonly kind: "folder" | "archive";
  /** The folder that train/ is in, or the archive. */
  readonly path: string;
}

/** A file of the data set. */
export interface TinyFile {
  /** Below the folder that train/ is in, with slashes. */
  readonly name: string;
  /** Its place in an archive. */
  readonly entry?: ZipEntry;
}

/** The files by their names. */
export interface TinyTree {
  /** Of a file, for messages. */
  pathOf(name: string): string;
  /** Names of what is in a folder, sorted. @throws DataError if it is not there */
  list(folder: string, what: "folders" | "files"): Promise<string[]>;
  /** A file to be read later, here or in a thread. */
  file(name: string): TinyFile;
  /** @throws DataError if it is not there, or too large */
  read(file: TinyFile): Promise<Uint8Array>;
  /** What changes when files come or go: hexadecimal digits. */
  fingerprint(): Promise<string>;
  close(): Promise<void>;
}

/** The folder or the archive of the data set in a directory; null if neither is there. */
export async function findTiny(directory: string): Promise<TinyPlace | null> {
  for (const folder of [directory, path.join(directory, INSIDE)]) {
    if (await isFolder(path.join(folder, "train"))) {
      const texts = await Promise.all(
        ["wnids.txt", "val"].map((name) => stat(path.join(folder, name)).catch(() => null)),
      );
      if (texts.every((found) => found !== null)) return { kind: "folder", path: folder };
    }
  }
  const archive = path.join(directory, TINY_ARCHIVE);
  const found = await stat(archive).catch(() => null);
  return found?.isFile() === true ? { kind: "archive", path: archive } : null;
}

/** Opens the files. @returns to be closed by the caller */
export async function openTiny(place: TinyPlace): Promise<TinyTree> {
  return place.kind === "folder" ? folderTree(place.path) : archiveTree(place.path);
}

function folderTree(root: string): TinyTree {
  const pathOf = (name: string): string => path.join(root, ...name.split("/"));
  return {
    pathOf,
    list: (folder, what) => entriesOf(pathOf(folder), what),
    file: (name) => ({ name }),
    read: ({ name }) => readFileBytes(pathOf(name), { maxBytes: MOST_BYTES }),
    async fingerprint() {
      // A folder's time changes with each file that comes, goes or is renamed.
      const hash = createHash("sha256");
      const ids = await entriesOf(pathOf("train"), "folders");
      const names = ["wnids.txt", "words.txt", "val/val_annotations.txt", "val/images", "train"];
      for (const name of [...names, ...ids.map((id) => `train/${id}/images`)]) {
        const found = await stat(pathOf(name)).catch(() => null);
        hash.update(`${name} ${found?.mtimeMs} ${found?.isFile() === true ? found.size : ""}\n`);
      }
      return hash.digest("hex");
    },
    close: async () => undefined,
  };
}

async function archiveTree(file: string): Promise<TinyTree> {
  const zip = await ZipFile.open(file);
  let opened: Promise<ReadonlyMap<string, ReadonlyMap<string, ZipEntry | null>>> | undefined;
  const folders = () => {
    opened ??= zip.entries().then(foldersOf);
    return opened;
  };
  const pathOf = (name: string): string => `${file}:${INSIDE}/${name}`;
  const known = new Map<string, ZipEntry>();
  return {
    pathOf,
    async list(folder, what) {
      const inside = (await folders()).get(folder);
      if (inside === undefined)
        throw new DataError({ op: pathOf(folder), what: "cannot be read", got: "no such folder" });
      const names: string[] = [];
      for (const [name, entry] of inside) {
        if (name.startsWith(".") || (entry === null) !== (what === "folders")) continue;
        names.push(name);
        if (entry !== null) known.set(`${folder}/${name}`, entry);
      }
      return names.sort();
    },
    file: (name) => ({ name, entry: known.get(name) }),
    async read({ name, entry }) {
      const at = name.lastIndexOf("/");
      // Threads are told the place; they never read the directory.
      const own = entry ?? (await folders()).get(name.slice(0, Math.max(0, at)))?.get(name.slice(at + 1));
      if (own === undefined || own === null) throw new DataError({ op: pathOf(name), what: "no such file" });
      return zip.contents(own, MOST_BYTES);
    },
    async fingerprint() {
      const { size, mtimeMs } = await stat(file);
      return createHash("sha256").update(`archive ${size} ${mtimeMs}`).digest("hex");
    },
    close: () => zip.close(),
  };
}

/** What is in each folder: members, and null for folders. */
function foldersOf(entries: readonly ZipEntry[]): ReadonlyMap<string, ReadonlyMap<string, ZipEntry | null>> {
  const folders = new Map<string, Map<string, ZipEntry | null>>();
  const folder = (name: string): Map<string, ZipEntry | null> => {
    const known = folders.get(name);
    if (known !== undefined) return known;
    const made = new Map<string, ZipEntry | null>();
    folders.set(name, made);
    if (name !== "") {
      const at = name.lastIndexOf("/");
      folder(name.slice(0, Math.max(0, at))).set(name.slice(at + 1), null);
    }
    return made;
  };
  for (const entry of entries) {
    if (!entry.name.startsWith(`${INSIDE}/`)) continue;
    const name = entry.name.slice(INSIDE.length + 1);
    const at = name.lastIndexOf("/");
    const inside = folder(name.slice(0, Math.max(0, at)));
    if (!name.endsWith("/") && name !== "") inside.set(name.slice(at + 1), entry);
  }
  return folders;
}
