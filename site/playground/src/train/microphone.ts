/** @file The microphone, where the browser and its user allow it: a second of sound as the picture that a network hears. */
import { LogMel, resample, SPEECH_16K } from "coarsegrad/sound";

/** How the page hears. */
export const FRONT = SPEECH_16K;
/** Milliseconds of a recording; the loudest second of it is taken. */
const LENGTH = 1300;

/** The microphone of the page. */
export class Microphone {
  readonly #say: (message: string) => void;
  #stream: MediaStream | null = null;
  #ear: LogMel | null = null;

  constructor(say: (message: string) => void) {
    this.#say = say;
  }

  /** @returns false if there is no microphone, or it is not allowed */
  async start(): Promise<boolean> {
    if (navigator.mediaDevices === undefined || globalThis.MediaRecorder === undefined) {
      this.#say("This page has no microphone: browsers allow it on https and on localhost.");
      return false;
    }
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch (error) {
      this.#say(`No microphone: ${(error as Error).message}.`);
      return false;
    }
    this.#say("Press Add beside a class, then say its word within a second.");
    return true;
  }

  stop(): void {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
  }

  /** Listens for a second. @returns codes, [frames, bands, 1] */
  async sample(): Promise<Uint8Array> {
    const recorder = new MediaRecorder(this.#stream!);
    const parts: Blob[] = [];
    const ended = new Promise((resolve) => recorder.addEventListener("stop", resolve, { once: true }));
    recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
    recorder.start();
    this.#say("Listening.");
    await new Promise((resolve) => setTimeout(resolve, LENGTH));
    recorder.stop();
    await ended;
    const context = new AudioContext();
    try {
      const sound = await context.decodeAudioData(await new Blob(parts).arrayBuffer());
      this.#ear ??= new LogMel(FRONT);
      return this.#ear.clip(resample(sound.getChannelData(0), sound.sampleRate, FRONT.rate));
    } finally {
      await context.close();
    }
  }
}
