/** @file Pixels as pictures inside the page: PNG files in `data:` URLs. */
import { encode } from "fast-png";
import { fitImage, type Raster } from "../../node/images/picture.js";
import type { Picture } from "./model.js";

/** Longest side of a test image on the page; larger ones are made smaller. */
const LONGEST = 64;

/** A picture of an image's own size, pixel by pixel. */
export function picture({ width, height, channels, pixels }: Raster): Picture {
  const png = encode({ width, height, channels, depth: 8, data: pixels }, { zlib: { level: 9 } });
  return { url: `data:image/png;base64,${Buffer.from(png).toString("base64")}`, width, height };
}

/** A picture of an image, made smaller where it is large. */
export function thumbnail(image: Raster): Picture {
  const longest = Math.max(image.width, image.height);
  if (longest <= LONGEST) return picture(image);
  const scaled = (side: number): number => Math.max(1, Math.round((side * LONGEST) / longest));
  const [width, height] = [scaled(image.width), scaled(image.height)];
  const { channels } = image;
  return picture({ width, height, channels, pixels: fitImage(image, [height, width, channels]) });
}
