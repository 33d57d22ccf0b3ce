/** @file JPEG to RGB: the headers are walked before the decoder takes time and memory for what they promise. */
import { messageOf } from "../../core/foreign-errors.js";
import { exifOrientation, type Orientation } from "./exif.js";
import { decodeJpeg } from "./jpeg-library.js";
import { type ImageLimits, type ImageRefusal, imageRefusal } from "./limits.js";

/** Scans that are decoded: a progressive file has about ten, and each costs a walk over the whole picture. */
const MAX_SCANS = 100;
/** Memory that the decoder may count besides blocks, planes and pixels. */
const SLACK = 2 ** 24;

/** What the frame header says. */
interface Frame {
  readonly width: number;
  readonly height: number;
  /** Identifiers of the components. */
  readonly components: readonly number[];
  /** 8×8 blocks of all components, and bytes that the decoder counts for them. */
  readonly blocks: number;
  readonly bytes: number;
}

/** What a file says beside its frame. */
interface Told {
  readonly frame: Frame;
  /** How the picture was held; 1 if nothing is said. */
  readonly orientation: Orientation;
  /** Whether colours are luma and chroma; undefined where the decoder knows. */
  readonly transform: boolean | undefined;
}

/** Baseline and progressive JPEG; grey comes as RGB, as it is stored. @throws FormatError if it is damaged or larger than the limits */
export function readJpeg(name: string, bytes: Uint8Array, limits: ImageLimits) {
  const refusal = imageRefusal(name, "JPEG", limits);
  const { frame, orientation, transform } = walk(bytes, refusal);
  // Each block takes at least a bit of the file, in whatever scan it comes first.
  if (frame.blocks > 8 * bytes.length) {
    refusal.damaged(
      `at least ${Math.ceil(frame.blocks / 8)} bytes for ${frame.width}×${frame.height}`,
      `${bytes.length}`,
    );
  }
  try {
    const { width, height, data } = decodeJpeg(bytes, (frame.bytes + SLACK + 8 * bytes.length) / 2 ** 20, transform);
    return { width, height, pixels: data, orientation };
  } catch (cause) {
    // The decoder's own count, or the process's end of memory.
    if (/^maxMemoryUsageInMB|allocation failed/i.test(messageOf(cause)))
      refusal.limit("memory", `${frame.width}×${frame.height}`);
    return refusal.damaged("a whole file", messageOf(cause));
  }
}

/** Reads the one frame header and what stands beside it, and counts the scans. */
function walk(bytes: Uint8Array, { damaged, size }: ImageRefusal): Told {
  let frame: Frame | undefined;
  let scans = 0;
  let [jfif, adobe]: [boolean, number | undefined] = [false, undefined];
  let orientation: Orientation | undefined;
  for (let at = 2; ; ) {
    // Entropy-coded data lies between a scan's header and the next marker; stuffed zeros and restarts belong to it.
    at = bytes.indexOf(0xff, at);
    if (at < 0 || at + 1 >= bytes.length) break;
    const marker = bytes[at + 1];
    if (marker === 0xd9) break;
    if (marker === 0xff || marker === 0 || (marker >= 0xd0 && marker <= 0xd8) || marker === 1) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    if (at + 4 > bytes.length) break;
    const length = (bytes[at + 2] << 8) | bytes[at + 3];
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      if (frame !== undefined) damaged("one frame", "two");
      if (marker > 0xc2) damaged("baseline or progressive coding", `frame 0x${marker.toString(16)}`);
      frame = readFrame(bytes.subarray(at + 4, at + 2 + length), damaged);
      size(frame.width, frame.height);
    }
    const data = bytes.subarray(at + 4, at + 2 + length);
    if (marker === 0xe0 && startsWith(data, "JFIF\0")) jfif = true;
    if (marker === 0xe1) orientation ??= exifOrientation(data);
    if (marker === 0xee && data.length >= 12 && startsWith(data, "Adobe")) adobe = data[11];
    if (marker === 0xda && ++scans > MAX_SCANS) damaged(`at most ${MAX_SCANS} scans`, "more");
    at += 2 + length;
  }
  if (frame === undefined) return damaged("a frame header", "none");
  return { frame, orientation: orientation ?? 1, transform: transformOf(frame.components, jfif, adobe) };
}

const startsWith = (data: Uint8Array, text: string): boolean =>
  data.length >= text.length && [...text].every((character, i) => data[i] === character.charCodeAt(0));

/**
 * Whether three components are luma and chroma, as libjpeg settles it: JFIF says so; else Adobe's marker says; else
 * components that are called R, G, B are those.
 */
function transformOf(components: readonly number[], jfif: boolean, adobe: number | undefined): boolean | undefined {
  if (components.length !== 3) return undefined;
  if (jfif || adobe === undefined) return jfif || String.fromCharCode(...components) !== "RGB";
  return adobe !== 0;
}

function readFrame(data: Uint8Array, damaged: ImageRefusal["damaged"]): Frame {
  const count = data[5];
  if (![1, 3, 4].includes(count) || data.length < 6 + 3 * count) return damaged("1, 3 or 4 components", `${count}`);
  const [height, width] = [(data[1] << 8) | data[2], (data[3] << 8) | data[4]];
  const factors = Array.from({ length: count }, (_, i) => [data[7 + 3 * i] >> 4, data[7 + 3 * i] & 15]);
  const bad = factors.find((pair) => pair.some((factor) => factor < 1 || factor > 4));
  if (bad !== undefined) return damaged("sampling factors of 1 to 4", bad.join("×"));
  const [maxH, maxV] = [0, 1].map((i) => Math.max(...factors.map((pair) => pair[i])));
  const [across, down] = [Math.ceil(width / 8 / maxH), Math.ceil(height / 8 / maxV)];
  const padded = factors.reduce((sum, [h, v]) => sum + across * h * down * v, 0);
  const blocks = factors.reduce(
    (sum, [h, v]) => sum + Math.ceil((Math.ceil(width / 8) * h) / maxH) * Math.ceil((Math.ceil(height / 8) * v) / maxV),
    0,
  );
  // 256 bytes a block, 64 of samples, the components' pixels and RGB.
  const components = Array.from({ length: count }, (_, i) => data[6 + 3 * i]);
  return { width, height, components, blocks, bytes: 320 * padded + (count + 3) * width * height };
}
