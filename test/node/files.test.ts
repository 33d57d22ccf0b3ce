/** @file Atomic writing: the content, the old file on failure, and nothing left behind. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { DataError } from "../../src/core/errors.js";
import { readFileBytes, saveFileAtomic, saveFilesAtomic } from "../../src/node/files.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "coarsegrad-files-"));
});
afterEach(() => rm(folder, { recursive: true }));

it("writes bytes and text, replaces, and leaves no temporary file", async () => {
  const path = join(folder, "a.bin");
  await saveFileAtomic(path, Uint8Array.of(1, 2, 3));
  expect(await readFileBytes(path)).toEqual(Uint8Array.of(1, 2, 3));
  await saveFileAtomic(path, "text");
  expect(await readFile(path, "utf8")).toBe("text");
  expect(await readdir(folder)).toEqual(["a.bin"]);
});
it("of many writers one wins whole", async () => {
  const path = join(folder, "a.bin");
  const contents = Array.from({ length: 8 }, (_, n) => new Uint8Array(100_000).fill(n));
  await Promise.all(contents.map((content) => saveFileAtomic(path, content)));
  const bytes = await readFileBytes(path);
  expect(bytes).toEqual(contents[bytes[0]]);
  expect(await readdir(folder)).toEqual(["a.bin"]);
});
it("a failure is a DataError that names the file, leaves the old one and cleans up", async () => {
  const path = join(folder, "old");
  await writeFile(path, "old");
  // A directory cannot be replaced by a file: the rename fails after the temporary file was written.
  const taken = join(folder, "taken");
  await mkdir(join(taken, "inside"), { recursive: true });
  await expect(saveFileAtomic(taken, "new")).rejects.toThrow(DataError);
  await expect(saveFileAtomic(taken, "new")).rejects.toThrow(`${taken}: cannot be written`);
  await expect(saveFileAtomic(join(folder, "none/a"), "new")).rejects.toThrow(/none\/a: cannot be written; got ENOENT/);
  expect((await readdir(folder)).sort()).toEqual(["old", "taken"]);
  expect(await readFile(path, "utf8")).toBe("old");
});
it("of several files all are written, or none if one cannot be", async () => {
  const [first, second] = ["first", "second"].map((name) => join(folder, name));
  await saveFilesAtomic([
    [first, "one"],
    [second, Uint8Array.of(50)],
  ]);
  const gone = join(folder, "none/a");
  const failing = saveFilesAtomic([
    [first, "new"],
    [gone, "new"],
    [second, "new"],
  ]);
  await expect(failing).rejects.toThrow(`${gone}: cannot be written; got ENOENT`);
  expect((await readdir(folder)).sort()).toEqual(["first", "second"]);
  expect([await readFile(first, "utf8"), await readFile(second, "utf8")]).toEqual(["one", "2"]);
});
it("reading what is not there names the file", async () => {
  await expect(readFileBytes(join(folder, "x"))).rejects.toThrow(`${join(folder, "x")}: no such file`);
  await expect(readFileBytes(folder)).rejects.toThrow(/cannot be read/);
});
it("what it reads is a plain Uint8Array, whose slices are copies", async () => {
  await writeFile(join(folder, "b"), "abc");
  const bytes = await readFileBytes(join(folder, "b"));
  bytes.slice(0, 1)[0] = 0;
  expect(bytes[0]).toBe(97);
});

it.skipIf(process.platform === "win32")("only regular files are read: no device, no pipe, no folder", async () => {
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  for (const [path, kind] of [
    ["/dev/zero", "a device"],
    [pipe, "a pipe"],
    [folder, "a folder"],
  ]) {
    await expect(readFileBytes(path)).rejects.toThrow(`${path}: cannot be read; expected a regular file, got ${kind}`);
  }
});
it("a file above the limit is refused before it is read", async () => {
  const path = join(folder, "large");
  await writeFile(path, "");
  await truncate(path, 2 ** 40);
  await expect(readFileBytes(path)).rejects.toThrow(
    /large: larger than what is read at once; expected at most 4294967296/,
  );
  await truncate(path, 5);
  await expect(readFileBytes(path, { maxBytes: 4 })).rejects.toThrow(/at most 4 bytes, got 5/);
  expect(await readFileBytes(path, { maxBytes: 5 })).toHaveLength(5);
});
it.skipIf(!existsSync("/proc/self/fd"))("leaves no file open, whether it succeeds or fails", async () => {
  const handles = () => readdirSync("/proc/self/fd").length;
  const path = join(folder, "a");
  await saveFileAtomic(path, "a");
  const before = handles();
  for (let n = 0; n < 20; n++) {
    await saveFileAtomic(path, "a");
    await readFileBytes(path);
    await readFileBytes(folder).catch(() => {});
    await readFileBytes(path, { maxBytes: 0 }).catch(() => {});
    await saveFileAtomic(join(path, "under-a-file"), "a").catch(() => {});
  }
  expect(handles()).toBe(before);
});
