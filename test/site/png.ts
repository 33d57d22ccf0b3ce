/** @file A small picture, for folders of pictures. */
import { encode } from "fast-png";

const SIZE = 32;

/** A PNG of 32×32 pixels that fade from one corner to the other. */
export const PNG = encode({
  width: SIZE,
  height: SIZE,
  channels: 3,
  data: Uint8Array.from({ length: SIZE * SIZE * 3 }, (_, n) => (n * 5) % 256),
});
