/** @file The camera, where the browser and its user allow it: 32×32 pictures in colour. */
import { element } from "../shell/dom.js";

const SIDE = 32;

/** The camera's picture on the page. */
export class Camera {
  readonly video = element("video", {
    muted: true,
    playsinline: true,
    hidden: true,
    "aria-label": "Picture of the camera",
  });
  readonly #say: (message: string) => void;
  #stream: MediaStream | null = null;

  constructor(say: (message: string) => void) {
    this.#say = say;
  }

  /** @returns false if there is no camera, or it is not allowed */
  async start(): Promise<boolean> {
    const { mediaDevices } = navigator;
    if (mediaDevices === undefined) {
      this.#say("This page has no camera: browsers allow it on https and on localhost.");
      return false;
    }
    try {
      this.#stream = await mediaDevices.getUserMedia({ video: { width: 320, height: 320, facingMode: "environment" } });
    } catch (error) {
      this.#say(`No camera: ${(error as Error).message}.`);
      return false;
    }
    this.video.srcObject = this.#stream;
    await this.video.play();
    this.#say("Hold something up, then press Add beside its class.");
    return true;
  }

  stop(): void {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
  }

  /** The middle of the picture, [32, 32, 3]; null before there is one. */
  sample(): Uint8Array | null {
    const { videoWidth, videoHeight } = this.video;
    if (videoWidth === 0) return null;
    const canvas = element("canvas", { width: SIDE, height: SIDE });
    const context = canvas.getContext("2d")!;
    const side = Math.min(videoWidth, videoHeight);
    context.drawImage(this.video, (videoWidth - side) / 2, (videoHeight - side) / 2, side, side, 0, 0, SIDE, SIDE);
    const { data } = context.getImageData(0, 0, SIDE, SIDE);
    return Uint8Array.from({ length: 3 * SIDE * SIDE }, (_, i) => data[4 * Math.floor(i / 3) + (i % 3)]);
  }
}
