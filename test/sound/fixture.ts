/** @file Sound as other tools make it: see test/fixtures/make_sound.py. */
import { readFileSync } from "node:fs";
import type { FrontEnd, WavEncoding } from "../../src/sound/index.js";

interface Fixture {
  wav: Record<string, { file: string; rate: number; channels: number; encoding: WavEncoding; samples: string }>;
  spectrograms: { samples: string; made: { front: FrontEnd; levels: number[] }[] };
  rates: { samples: string; made: { from: number; to: number; samples: number[] }[] };
  polyphase: { from: number; to: number; hertz: number; samples: number[] };
}

export const fixture: Fixture = JSON.parse(readFileSync(new URL("../fixtures/sound.json", import.meta.url), "utf8"));

export const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));
export const floatsOf = (base64: string): Float32Array => new Float32Array(bytesOf(base64).buffer);

/** A tone. */
export function tone(rate: number, hertz: number, seconds: number, level = 0.5): Float32Array {
  return Float32Array.from(
    { length: Math.round(rate * seconds) },
    (_, n) => level * Math.sin((2 * Math.PI * hertz * n) / rate),
  );
}
