/** @file Pieces of files at their places: all of the bytes, or an error. */
import { readSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { CoarsegradError, DataError } from "../core/errors.js";

const truncated = (file: string, end: number, found: number): DataError =>
  new DataError({ op: file, what: "truncated", expected: `at least ${end} bytes`, got: `${found}` });

/** What the operating system takes at once, less than 2 GiB. */
const MOST = 2 ** 28;

/** Fills `bytes` from the place `at` on. @throws DataError if the file ends before, or cannot be read */
export async function readPiece(handle: FileHandle, file: string, bytes: Uint8Array, at: number): Promise<Uint8Array> {
  try {
    for (let done = 0; done < bytes.length; ) {
      const { bytesRead } = await handle.read(bytes, done, Math.min(MOST, bytes.length - done), at + done);
      if (bytesRead === 0) throw truncated(file, at + bytes.length, at + done);
      done += bytesRead;
    }
    return bytes;
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** The same at once, for small pieces that the operating system has in memory. @param fd an open file's number */
export function readPieceSync(fd: number, file: string, bytes: Uint8Array, at: number): void {
  try {
    for (let done = 0; done < bytes.length; ) {
      const count = readSync(fd, bytes, done, bytes.length - done, at + done);
      if (count === 0) throw truncated(file, at + bytes.length, at + done);
      done += count;
    }
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** Writes all of `bytes` from the place `at` on. @throws what the operating system says */
export async function writePiece(handle: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await handle.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
  }
}

function unreadable(op: string, error: unknown): unknown {
  if (error instanceof CoarsegradError) return error;
  return new DataError({ op, what: "cannot be read", got: (error as Error).message });
}
