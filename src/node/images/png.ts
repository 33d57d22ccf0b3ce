/**
 * @file PNG (ISO/IEC 15948) to samples: checked before memory is taken, all colour types and depths, interlaced or not.
 */
import { inflateSync } from "node:zlib";
import { crc32 } from "../../io/checksum.js";
import { type Orientation, tiffOrientation } from "./exif.js";
import { type ImageLimits, imageRefusal } from "./limits.js";

/** Samples of a PNG as they are stored, palette colours in place of indices. */
export interface PngSamples {
  readonly width: number;
  readonly height: number;
  /** 1 grey, 2 grey and alpha, 3 colour, 4 colour and alpha. */
  readonly channels: number;
  /** Largest sample: 2^depth − 1; 255 with a palette. */
  readonly top: number;
  readonly data: Uint8Array | Uint16Array;
  /** How the picture was held, as its Exif data say (third edition, eXIf); 1 if nothing is said. */
  readonly orientation: Orientation;
}

type Stored = Omit<PngSamples, "orientation">;

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Colour type → channels and the depths that it may have (table 11.1). */
const TYPES: Readonly<Record<number, { channels: number; depths: readonly number[] }>> = {
  0: { channels: 1, depths: [1, 2, 4, 8, 16] },
  2: { channels: 3, depths: [8, 16] },
  3: { channels: 1, depths: [1, 2, 4, 8] },
  4: { channels: 2, depths: [8, 16] },
  6: { channels: 4, depths: [8, 16] },
};
/** Passes of Adam7: first column and row, steps between columns and rows. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly type: number;
  readonly channels: number;
  readonly interlaced: boolean;
}

/** Decodes a PNG. @throws FormatError if it is damaged or larger than the limits */
export function readPng(name: string, bytes: Uint8Array, limits: ImageLimits): PngSamples {
  const { damaged, size } = imageRefusal(name, "PNG", limits);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte)) damaged("its signature", "other bytes");
  let header: Header | undefined;
  let palette: Uint8Array | undefined;
  let alphas: Uint8Array | undefined;
  let orientation: Orientation | undefined;
  const parts: Uint8Array[] = [];
  let ended = false;
  for (let at = 8; !ended; ) {
    if (at + 12 > bytes.length) damaged("a whole file", "its end before IEND");
    const length = view.getUint32(at);
    if (at + 12 + length > bytes.length) damaged("a whole chunk", "the file's end");
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const data = bytes.subarray(at + 8, at + 8 + length);
    // Upper case: a chunk that an image cannot be understood without.
    const critical = (bytes[at + 4] & 0x20) === 0;
    if (critical && crc32(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length)) {
      damaged("chunks with right checksums", `another one in ${type}`);
    }
    if ((header === undefined) !== (type === "IHDR")) damaged("one IHDR, before all others", type);
    if (type === "IHDR") {
      header = readHeader(data, damaged);
      size(header.width, header.height);
    } else if (type === "PLTE") {
      if (length === 0 || length % 3 !== 0 || length > 768) damaged("a palette of 1 to 256 colours", `${length} bytes`);
      palette = data;
    } else if (type === "tRNS") alphas = data;
    else if (type === "eXIf") orientation ??= tiffOrientation(data);
    else if (type === "IDAT") parts.push(data);
    else if (type === "IEND") ended = true;
    else if (critical) damaged("known critical chunks", type);
    at += 12 + length;
  }
  const known = header as Header;
  if (known.type === 3 && palette === undefined) damaged("a palette", "none");
  const samples = unpack(known, parts, damaged);
  if (known.type !== 3 || palette === undefined) {
    const { width, height, channels, depth } = known;
    const stored: Stored = { width, height, channels, top: 2 ** depth - 1, data: samples };
    // A palette of a coloured picture only suggests colours for screens; a key goes with types 0 and 2 alone.
    const hasKey = alphas !== undefined && alphas.length === 2 * channels && channels !== 2;
    return { ...(hasKey ? keyed(stored, alphas as Uint8Array) : stored), orientation: orientation ?? 1 };
  }
  if (alphas !== undefined && alphas.length > palette.length / 3) damaged("at most as many alphas as colours", "more");
  return { ...colours(known, samples, palette, alphas, damaged), orientation: orientation ?? 1 };
}

type Damaged = (expected: string, got: string) => never;

function readHeader(data: Uint8Array, damaged: Damaged): Header {
  if (data.length !== 13) return damaged("13 bytes of IHDR", `${data.length}`);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const [depth, type, compression, filter, interlace] = data.subarray(8);
  const known = TYPES[type];
  if (known === undefined || !known.depths.includes(depth)) {
    return damaged("a colour type and a depth that go together", `type ${type}, ${depth} bits`);
  }
  if (compression !== 0 || filter !== 0 || interlace > 1) {
    return damaged(
      "known methods of compression, filtering and interlacing",
      `${compression}, ${filter}, ${interlace}`,
    );
  }
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  return { width, height, depth, type, channels: known.channels, interlaced: interlace === 1 };
}

/** Inflates exactly as many bytes as the rows have, undoes the filters, and puts the samples in their places. */
function unpack(header: Header, parts: readonly Uint8Array[], damaged: Damaged): Uint8Array | Uint16Array {
  const { width, height, depth, channels, interlaced } = header;
  const passes = (interlaced ? ADAM7 : [[0, 0, 1, 1] as const]).map(([x, y, dx, dy]) => {
    const [columns, rows] = [Math.max(0, Math.ceil((width - x) / dx)), Math.max(0, Math.ceil((height - y) / dy))];
    return {
      x,
      y,
      dx,
      dy,
      columns,
      rows: columns === 0 ? 0 : rows,
      rowBytes: Math.ceil((columns * channels * depth) / 8),
    };
  });
  const total = passes.reduce((sum, { rows, rowBytes }) => sum + rows * (1 + rowBytes), 0);
  let raw: Uint8Array;
  try {
    raw = inflateSync(parts.length === 1 ? parts[0] : Buffer.concat(parts), { maxOutputLength: total });
  } catch (error) {
    const more = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    return damaged(`${total} bytes of rows`, more ? "more" : (error as Error).message);
  }
  if (raw.length !== total) damaged(`${total} bytes of rows`, `${raw.length}`);
  const out = depth === 16 ? new Uint16Array(width * height * channels) : new Uint8Array(width * height * channels);
  const step = Math.max(1, (channels * depth) / 8);
  const mask = 2 ** depth - 1;
  let at = 0;
  for (const { x, y, dx, dy, columns, rows, rowBytes } of passes) {
    let above: Uint8Array | null = null;
    for (let r = 0; r < rows; r++) {
      const row: Uint8Array = raw.subarray(at + 1, at + 1 + rowBytes);
      if (raw[at] > 4) damaged("filters 0 to 4", `${raw[at]}`);
      unfilter(row, above, raw[at], step);
      at += 1 + rowBytes;
      above = row;
      for (let c = 0; c < columns; c++) {
        const to = ((y + r * dy) * width + x + c * dx) * channels;
        for (let k = 0; k < channels; k++) {
          const i = c * channels + k;
          if (depth === 8) out[to + k] = row[i];
          else if (depth === 16) out[to + k] = (row[2 * i] << 8) | row[2 * i + 1];
          else out[to + k] = (row[(i * depth) >> 3] >> (8 - depth - ((i * depth) & 7))) & mask;
        }
      }
    }
  }
  return out;
}

/** Undoes one row's filter in place (clause 9). */
function unfilter(row: Uint8Array, above: Uint8Array | null, filter: number, step: number): void {
  if (filter === 0) return;
  for (let i = 0; i < row.length; i++) {
    const a = i >= step ? row[i - step] : 0;
    const b = above === null ? 0 : above[i];
    if (filter === 1) row[i] += a;
    else if (filter === 2) row[i] += b;
    else if (filter === 3) row[i] += (a + b) >> 1;
    else {
      const c = above === null || i < step ? 0 : above[i - step];
      const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
      row[i] += pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
    }
  }
}

/** The same with alpha: nothing where all samples of a pixel are the key's, which has 16 bits for each. */
function keyed({ width, height, channels, top, data }: Stored, key: Uint8Array): Stored {
  const wanted = Array.from({ length: channels }, (_, c) => ((key[2 * c] << 8) | key[2 * c + 1]) & top);
  const area = width * height;
  const out = top > 255 ? new Uint16Array(area * (channels + 1)) : new Uint8Array(area * (channels + 1));
  for (let i = 0; i < area; i++) {
    let same = true;
    for (let c = 0; c < channels; c++) {
      const sample = data[i * channels + c];
      out[i * (channels + 1) + c] = sample;
      same &&= sample === wanted[c];
    }
    out[i * (channels + 1) + channels] = same ? 0 : top;
  }
  return { width, height, channels: channels + 1, top, data: out };
}

function colours(
  { width, height }: Header,
  indices: ArrayLike<number>,
  palette: Uint8Array,
  alphas: Uint8Array | undefined,
  damaged: Damaged,
): Stored {
  const channels = alphas === undefined ? 3 : 4;
  const data = new Uint8Array(width * height * channels);
  for (let i = 0; i < width * height; i++) {
    const index = indices[i];
    if (3 * index >= palette.length) damaged(`indices below ${palette.length / 3}`, `${index}`);
    for (let c = 0; c < 3; c++) data[i * channels + c] = palette[3 * index + c];
    if (alphas !== undefined) data[i * channels + 3] = alphas[index] ?? 255;
  }
  return { width, height, channels, top: 255, data };
}
