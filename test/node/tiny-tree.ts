/** @file Tiny-ImageNet in small for tests: its layout and classes, with pictures made here. */
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import jpeg from "jpeg-js";
import { TINY_IMAGENET_IDS, TINY_IMAGENET_NAMES } from "../../src/data/tiny-imagenet.js";

/** Files by their names. */
export type Files = Record<string, Uint8Array>;

/** A flat colour picture. */
export function colour(k: number, side = 64): Uint8Array {
  const [red, green, blue] = [(37 * k) % 256, (91 * k + 20) % 256, (153 * k + 40) % 256];
  const data = Uint8Array.from({ length: side * side * 4 }, (_, i) => [red, green, blue, 255][i % 4]);
  return new Uint8Array(jpeg.encode({ width: side, height: side, data }, 90).data);
}

/**
 * A picture of one component, all of whose 64×64 pixels are 200: 64 blocks, the first with the difference 72 in eighths
 * of the DC coefficient, all others as the one before.
 */
export function grey(): Uint8Array {
  const segment = (marker: number, ...body: number[]) => [0xff, marker, 0, body.length + 2, ...body];
  const lengths = (...counts: number[]) => [...counts, ...Array<number>(16 - counts.length).fill(0)];
  return Uint8Array.from([
    ...[0xff, 0xd8],
    ...segment(0xdb, 0, ...Array<number>(64).fill(8)),
    ...segment(0xc0, 8, 0, 64, 0, 64, 1, 1, 0x11, 0),
    // Categories 0 and 7 as "0" and "10"; the end of a block as "0".
    ...segment(0xc4, 0x00, ...lengths(1, 1), 0, 7),
    ...segment(0xc4, 0x10, ...lengths(1), 0),
    ...segment(0xda, 1, 1, 0x00, 0, 63, 0),
    // 10 1001000 0, then 63 times 0 0.
    ...[0b10100100, 0, ...Array<number>(15).fill(0)],
    ...[0xff, 0xd9],
  ]);
}

const text = (lines: readonly string[]): Uint8Array => new TextEncoder().encode(`${lines.join("\n")}\n`);
/** A class's pictures; the last class has one more. */
const pictures = (label: number): number => (label === 199 ? 3 : 2);
/** Labels of the pictures to test on: out of order. */
const TESTED = [7, 199, 0, 7, 42];

/** All files of a small data set: colours tell the classes apart; the first class's second picture is grey. */
export function tinyFiles(): Files {
  const colours = Array.from({ length: 16 }, (_, k) => colour(k));
  const files: Files = {
    "wnids.txt": text([...TINY_IMAGENET_IDS].reverse()),
    "words.txt": text([
      "n00001740\tentity",
      ...TINY_IMAGENET_IDS.map((id, n) => `${id}\t${TINY_IMAGENET_NAMES[n]}, other name`),
    ]),
    "val/val_annotations.txt": text(TESTED.map((label, n) => `val_${n}.JPEG\t${TINY_IMAGENET_IDS[label]}\t0\t1\t2\t3`)),
  };
  for (const [label, id] of TINY_IMAGENET_IDS.entries()) {
    const names = Array.from({ length: pictures(label) }, (_, k) => `${id}_${k === 0 ? 9 : 9 + k}.JPEG`);
    for (const [k, name] of names.entries()) {
      files[`train/${id}/images/${name}`] = label === 0 && k === 1 ? grey() : colours[(label + k) % 16];
    }
    files[`train/${id}/${id}_boxes.txt`] = text(names.map((name) => `${name}\t0\t1\t2\t3`));
  }
  for (const [n, label] of TESTED.entries()) files[`val/images/val_${n}.JPEG`] = colours[label % 16];
  return files;
}

/** Writes files below a folder. */
export async function put(folder: string, files: Files): Promise<void> {
  for (const [name, bytes] of Object.entries(files)) {
    const file = path.join(folder, ...name.split("/"));
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
}
