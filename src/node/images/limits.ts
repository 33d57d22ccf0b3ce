/** @file How large a picture may be: asked before memory is taken for it. */
import { FormatError } from "../../core/errors.js";

/** What decoding a picture may take. */
export interface ImageLimits {
  /** Width × height. @default 120,000,000: photographs of 108 megapixels are below */
  readonly maxPixels?: number;
}

export const MAX_PIXELS = 120_000_000;

/** The refusals of one file. */
export interface ImageRefusal {
  damaged(expected: string, got: string): never;
  /** Refuses what is whole, but beyond a limit of the decoder. */
  limit(what: string, got: string): never;
  /** Refuses pictures without pixels and those above the limit. */
  size(width: number, height: number): void;
}

/** @param kind of file, in words */
export function imageRefusal(name: string, kind: string, { maxPixels = MAX_PIXELS }: ImageLimits): ImageRefusal {
  const damaged = (expected: string, got: string): never => {
    throw new FormatError({ op: name, what: `damaged ${kind}`, expected, got });
  };
  return {
    damaged,
    limit(what, got) {
      const hint = "a limit of the reader; make the picture smaller";
      throw new FormatError({ op: name, what: `too much ${what} for this ${kind}`, got, hint });
    },
    size(width, height) {
      if (width < 1 || height < 1) damaged("a size of at least 1×1 pixels", `${width}×${height}`);
      if (width * height <= maxPixels) return;
      throw new FormatError({
        op: name,
        what: "too many pixels",
        expected: `at most ${maxPixels}`,
        got: `${width}×${height}`,
        hint: "a limit of the reader; --max-pixels raises it",
      });
    },
  };
}
