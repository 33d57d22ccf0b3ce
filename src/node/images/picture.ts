/** @file Image files for a classifier: decode PNG, JPEG and PBM/PGM/PPM, bring to the network's size and channels. */
import { check, checkBytes, checkOptions, flag, integer, text } from "../../core/checks.js";
import { ArgumentError, FormatError } from "../../core/errors.js";
import { kindOf } from "../../core/typed-arrays.js";
import { type Orientation, upright } from "./exif.js";
import { readJpeg } from "./jpeg.js";
import { type ImageLimits, imageRefusal } from "./limits.js";
import { readPng } from "./png.js";
import type { Raster } from "./raster.js";

export type { Raster } from "./raster.js";

/** Endings that {@link decodeImage} understands. */
export const IMAGE_ENDINGS = [".png", ".jpg", ".jpeg", ".pbm", ".pgm", ".ppm", ".pnm"] as const;

/** Choices of {@link decodeImage}. */
export interface DecodeOptions extends ImageLimits {
  /**
   * Turns a photograph as its Exif data say that the camera was held, as browsers show it. Default false: as it is
   * stored, which training reads, as PyTorch's ImageFolder does.
   */
  readonly upright?: boolean;
}

/**
 * Decodes a PNG, JPEG, PBM, PGM or PPM file; transparency is laid over black.
 *
 * @param name the file, for messages
 * @throws FormatError if the bytes are neither, or damaged, or the picture is larger than the limits
 */
export function decodeImage(name: string, given: Uint8Array | ArrayBufferLike, options: DecodeOptions = {}): Raster {
  check("decodeImage", "name", name, text);
  const bytes = checkBytes("decodeImage", "bytes", given);
  checkOptions<DecodeOptions>("decodeImage", options, { maxPixels: integer(1), upright: flag });
  const limits: ImageLimits = { maxPixels: options.maxPixels };
  if (bytes.length >= 8 && bytes[0] === 0x89 && bytes[1] === 0x50) {
    const { orientation, ...picture } = decodePng(name, bytes, limits);
    return upright(picture, options.upright === true ? orientation : 1);
  }
  if (bytes.length >= 3 && bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) {
    const { orientation, ...picture } = readJpeg(name, bytes, limits);
    return upright({ ...picture, channels: 3 }, options.upright === true ? orientation : 1);
  }
  if (bytes.length >= 3 && bytes[0] === 0x50 && bytes[1] >= 0x31 && bytes[1] <= 0x36) {
    return decodePnm(name, bytes, limits);
  }
  throw new FormatError({
    op: name,
    what: "not an image that can be read",
    expected: "a PNG, JPEG, PBM, PGM or PPM file",
    got: otherKind(bytes) ?? `bytes ${[...bytes.subarray(0, 4)].map(hex).join(" ")}`,
    hint: "convert it to PNG",
  });
}

/** Files that are pictures, but of no kind that is read: where a text stands in them. */
const OTHER_KINDS = [
  [8, "WEBP", "a WebP picture"],
  [4, "ftypavif", "an AVIF picture"],
  [4, "ftyphe", "a HEIC picture"],
  [4, "ftypmif1", "a HEIF picture"],
  [0, "GIF8", "a GIF picture"],
  [0, "BM", "a BMP picture"],
  [0, "II*\0", "a TIFF picture"],
  [0, "MM\0*", "a TIFF picture"],
  [0, "\xff\x0a", "a JPEG XL picture"],
  [4, "JXL ", "a JPEG XL picture"],
  [0, "<svg", "an SVG drawing"],
] as const;

function otherKind(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return "an empty file";
  const starts = String.fromCharCode(...bytes.subarray(0, 16));
  return OTHER_KINDS.find(([at, mark]) => starts.startsWith(mark, at))?.[2];
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

function decodePng(name: string, bytes: Uint8Array, limits: ImageLimits): Raster & { orientation: Orientation } {
  const { width, height, channels, top, data, orientation } = readPng(name, bytes, limits);
  const colors = channels >= 3 ? 3 : 1;
  // The samples are the pixels already.
  if (channels === colors && kindOf(data) === "Uint8Array" && top === 255)
    return { width, height, channels: colors, pixels: data as Uint8Array, orientation };
  const to8 = (value: number): number => (top === 255 ? value : Math.round((value * 255) / top));
  const hasAlpha = channels === 2 || channels === 4;
  const pixels = new Uint8Array(width * height * colors);
  for (let i = 0; i < width * height; i++) {
    const alpha = hasAlpha ? to8(data[i * channels + channels - 1]) : 255;
    for (let c = 0; c < colors; c++) {
      pixels[i * colors + c] = Math.round((to8(data[i * channels + c]) * alpha) / 255);
    }
  }
  return { width, height, channels: colors, pixels, orientation };
}

/** PBM, PGM and PPM, text (P1 to P3) and binary (P4 to P6), up to 65535 levels. */
function decodePnm(name: string, bytes: Uint8Array, limits: ImageLimits): Raster {
  const fail = (what: string, expected: string, got: string): never => {
    throw new FormatError({ op: name, what, expected, got });
  };
  const kind = bytes[1] - 0x30;
  const [bitmap, binary] = [kind === 1 || kind === 4, kind >= 4];
  const channels = kind === 3 || kind === 6 ? 3 : 1;
  let at = 2;
  const passBlanks = (): void => {
    for (;;) {
      if (bytes[at] === 0x23) while (at < bytes.length && bytes[at] !== 0x0a) at++;
      else if (isBlank(bytes[at])) at++;
      else break;
    }
  };
  const noNumber = (): never =>
    fail("damaged header", "a number", at < bytes.length ? `byte ${hex(bytes[at])}` : "the end");
  const number = (): number => {
    passBlanks();
    const start = at;
    let value = 0;
    while (bytes[at] >= 0x30 && bytes[at] <= 0x39) value = value * 10 + bytes[at++] - 0x30;
    return at === start ? noNumber() : value;
  };
  // Bits in text need no blanks between them.
  const bit = (): number => {
    passBlanks();
    return bytes[at] === 0x30 || bytes[at] === 0x31 ? bytes[at++] - 0x30 : noNumber();
  };
  const width = number();
  const height = number();
  const top = bitmap ? 1 : number();
  imageRefusal(name, bitmap ? "PBM" : channels === 3 ? "PPM" : "PGM", limits).size(width, height);
  if (top < 1 || top > 65535) fail("largest value", "1…65535", `${top}`);
  const size = width * height * channels;
  const wide = top > 255 ? 2 : 1;
  const rowBytes = Math.ceil(width / 8);
  if (binary) at++;
  // Before memory is taken: a number in text has a digit at least, and a blank before it.
  const least = bitmap ? (binary ? rowBytes * height : size) : binary ? size * wide : 2 * size;
  if (bytes.length - at < least) fail("truncated", `${least} bytes of pixels`, `${Math.max(0, bytes.length - at)}`);
  const sample = (i: number): number => {
    if (bitmap && binary) {
      const [row, column] = [Math.floor(i / width), i % width];
      return 1 - ((bytes[at + row * rowBytes + (column >> 3)] >> (7 - (column & 7))) & 1);
    }
    // Ones are ink.
    if (bitmap) return 1 - bit();
    if (!binary) return number();
    return wide === 1 ? bytes[at + i] : (bytes[at + 2 * i] << 8) | bytes[at + 2 * i + 1];
  };
  const pixels = new Uint8Array(size);
  for (let i = 0; i < size; i++) pixels[i] = Math.round((Math.min(top, sample(i)) * 255) / top);
  return { width, height, channels, pixels };
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/**
 * Brings an image to the network's input: area-averaged to `width`×`height`, grey ↔ RGB, optionally inverted.
 *
 * @param invert for dark ink on white paper, when the network was trained on light strokes on black
 * @returns u8 codes, HWC
 * @throws ArgumentError if the network takes other than 1 or 3 channels
 */
export function fitImage(
  image: Raster,
  [height, width, channels]: readonly [number, number, number],
  invert = false,
): Uint8Array {
  if (channels !== 1 && channels !== 3) {
    throw new ArgumentError({
      op: "infer",
      what: "the network does not take images",
      expected: "1 or 3 channels",
      got: `${channels}`,
    });
  }
  const sized = resize(recolor(image, channels), width, height);
  return invert ? sized.map((value) => 255 - value) : sized;
}

/** The same image in grey or in colour. */
export function recolor(image: Raster, channels: 1 | 3): Raster {
  if (image.channels === channels) return image;
  const area = image.width * image.height;
  const pixels = new Uint8Array(area * channels);
  for (let i = 0; i < area; i++) {
    if (channels === 3) pixels.fill(image.pixels[i], i * 3, i * 3 + 3);
    else {
      const at = 3 * i;
      const [r, g, b] = [image.pixels[at], image.pixels[at + 1], image.pixels[at + 2]];
      pixels[i] = Math.round((299 * r + 587 * g + 114 * b) / 1000);
    }
  }
  return { ...image, channels, pixels };
}

/** Each output pixel is the mean of the input area that it covers. */
function resize(image: Raster, width: number, height: number): Uint8Array {
  const { channels, pixels } = image;
  if (image.width === width && image.height === height) return pixels;
  const out = new Uint8Array(width * height * channels);
  const [scaleX, scaleY] = [image.width / width, image.height / height];
  for (let y = 0; y < height; y++) {
    const rows = covered(y * scaleY, (y + 1) * scaleY, image.height);
    for (let x = 0; x < width; x++) {
      const columns = covered(x * scaleX, (x + 1) * scaleX, image.width);
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        let area = 0;
        for (const [row, rowShare] of rows) {
          for (const [column, columnShare] of columns) {
            sum += rowShare * columnShare * pixels[(row * image.width + column) * channels + c];
            area += rowShare * columnShare;
          }
        }
        out[(y * width + x) * channels + c] = Math.round(sum / area);
      }
    }
  }
  return out;
}

/** The pixels that the interval [from, to) touches, with the length of each that lies inside. */
function covered(from: number, to: number, size: number): [number, number][] {
  const out: [number, number][] = [];
  for (let i = Math.floor(from); i < Math.min(size, Math.ceil(to)); i++) {
    const share = Math.min(to, i + 1) - Math.max(from, i);
    if (share > 0) out.push([i, share]);
  }
  return out;
}

/** True if the border is brighter than the middle: probably dark ink on white paper. */
export function looksInverted({ width, height, channels, pixels }: Raster): boolean {
  let [border, borderCount, middle, middleCount] = [0, 0, 0, 0];
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const value = pixels[i * channels];
    if (x === 0 || y === 0 || x === width - 1 || y === height - 1) {
      border += value;
      borderCount++;
    } else {
      middle += value;
      middleCount++;
    }
  }
  return middleCount > 0 && border / borderCount > 127 && border / borderCount > middle / middleCount;
}
