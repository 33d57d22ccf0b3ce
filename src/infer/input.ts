/**
 * @file What a session takes: bytes, real numbers and canvas pixels, written as the codes or values that the model
 * reads.
 */
import { BYTE_TOP } from "../codes/levels.js";
import { describe } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import { shapeText, sizeOf } from "../core/shape.js";
import { kindOf } from "../core/typed-arrays.js";
import type { ValueType } from "../format/value.js";
import type { Ptr } from "../kernels/abi.js";
import { heap } from "../kernels/engine.js";

/** One image as a canvas gives it, RGBA; an `ImageData` is such. */
export interface CanvasImage {
  /** Red, green, blue and alpha of each pixel. */
  readonly data: Uint8ClampedArray | Uint8Array;
  /** Pixels in a row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
}

/**
 * Images for a session, one after the other, each in the model's shape, channel fastest. Bytes are codes (pixels);
 * floats are real values, which a model with u8 input rounds to the nearest code. Canvas pixels are one image of the
 * model's size: RGB of them for three channels, luma (ITU-R BT.601) for one, all for four.
 */
export type SessionInput = Uint8Array | Uint8ClampedArray | Float32Array | CanvasImage;

const TAKEN: readonly (string | null)[] = ["Uint8Array", "Uint8ClampedArray", "Float32Array"];

/** True for a canvas, false for values; arrays of every realm count. @throws ArgumentError for everything else */
function isCanvas(input: SessionInput): input is CanvasImage {
  const kind = kindOf(input);
  if (TAKEN.includes(kind)) return false;
  if (kind === null && kindOf((Object(input) as CanvasImage).data)?.startsWith("Uint8")) return true;
  return refuse("bad input", "a Uint8Array, a Uint8ClampedArray, a Float32Array or an ImageData", describe(input));
}

const isReal = (input: unknown): input is Float32Array => kindOf(input) === "Float32Array";

function refuse(what: string, expected: string, got: string, hint?: string): never {
  throw new ArgumentError({ op: "session.run", what, expected, got, hint });
}

/** Images in an input. @throws ArgumentError unless they are a whole number of what the model takes */
export function countImages(input: SessionInput, { shape }: ValueType): number {
  if (isCanvas(input)) {
    const [h, w, channels] = shape;
    const { width, height, data } = input;
    const fits = shape.length === 3 && width === w && height === h && [1, 3, 4].includes(channels);
    if (!fits || data.length !== 4 * w * h) {
      const got = `${describe(height)}×${describe(width)} pixels in ${data.length} bytes`;
      refuse("canvas pixels do not fit", shapeText(shape), got, "draw the image to a canvas of the model's size");
    }
    return 1;
  }
  const size = sizeOf(shape);
  const count = input.length / size;
  if (!Number.isInteger(count)) {
    refuse(
      "input is not a whole number of images",
      `a multiple of ${size} values, ${shapeText(shape)} each`,
      `${input.length}`,
    );
  }
  return count;
}

/** Writes images [first, first + count) of an input where a model reads them. */
export function fillInput(input: SessionInput, first: number, count: number, type: ValueType, ptr: Ptr): void {
  const size = sizeOf(type.shape);
  const { step } = type;
  if (isCanvas(input)) {
    fillCanvas(input, type, ptr);
    return;
  }
  const whole = first === 0 && count * size === input.length;
  const part = whole ? input : input.subarray(first * size, (first + count) * size);
  if (step === null) {
    if (isReal(part)) heap().f32(ptr, part.length).set(part);
    else refuse("this model takes real values", "a Float32Array", "bytes");
    return;
  }
  const codes = heap().u8(ptr, part.length);
  if (!isReal(part)) {
    codes.set(part);
    return;
  }
  for (let i = 0; i < part.length; i++) {
    const code = Math.round(part[i] / step);
    if (!(code >= 0 && code <= BYTE_TOP)) {
      const range = `numbers in [0, ${BYTE_TOP * step}]`;
      refuse(`value ${i % size} of an image`, range, `${part[i]}`, "codes can be given as a Uint8Array");
    }
    codes[i] = code;
  }
}

function fillCanvas({ data }: CanvasImage, { shape, step }: ValueType, ptr: Ptr): void {
  const channels = shape[2];
  const pixels = shape[0] * shape[1];
  // Real values stand for 0 … 1, as pixels do in a model that takes bytes.
  const out = step === null ? heap().f32(ptr, pixels * channels) : heap().u8(ptr, pixels * channels);
  const scale = step === null ? 1 / 255 : 1;
  for (let p = 0; p < pixels; p++) {
    if (channels === 1) {
      const luma = 0.299 * data[4 * p] + 0.587 * data[4 * p + 1] + 0.114 * data[4 * p + 2];
      out[p] = Math.round(luma) * scale;
    } else {
      for (let c = 0; c < channels; c++) out[p * channels + c] = data[4 * p + c] * scale;
    }
  }
}
