/** @file A pad to draw on with mouse, finger or keyboard, and what is drawn as 28×28 pixels, placed as MNIST's are. */

const SIDE = 28;
/** Longest side of what is drawn, within the picture. */
const BOX = 20;
const PEN = 0.075;
const KEY_STEP = 0.04;
/** What is darker than this is noise of a picture that is shown, not ink. */
const INK = 100;

/** A drawing pad. */
export class Pad {
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  readonly #onChange: () => void;
  #last: [number, number] | null = null;
  /** The keyboard's pen. */
  #pen: [number, number] = [0.5, 0.5];
  #down = false;
  #ink: ImageData | null = null;

  /** @param onChange told after every stroke's part, and when the pad is cleared */
  constructor(canvas: HTMLCanvasElement, onChange: () => void) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { willReadFrequently: true })!;
    this.#onChange = onChange;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.#last = null;
      this.#to(this.#place(event));
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.buttons === 0) return;
      for (const part of event.getCoalescedEvents?.() ?? [event]) this.#to(this.#place(part));
    });
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("focus", () => this.#cursor());
    canvas.addEventListener("blur", () => this.#withoutCursor());
    this.clear();
  }

  #place(event: PointerEvent): [number, number] {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    return [(event.clientX - left) / width, (event.clientY - top) / height];
  }

  #to([x, y]: [number, number]): void {
    this.#withoutCursor();
    const { width } = this.#canvas;
    const context = this.#context;
    const [fromX, fromY] = this.#last ?? [x, y];
    context.strokeStyle = "#fff";
    context.lineWidth = PEN * width;
    context.lineCap = "round";
    context.lineJoin = "round";
    context.beginPath();
    context.moveTo(fromX * width, fromY * width);
    context.lineTo(x * width + 0.01, y * width);
    context.stroke();
    this.#last = [x, y];
    this.#pen = [x, y];
    this.#onChange();
  }

  #key(event: KeyboardEvent): void {
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    };
    const move = moves[event.key];
    if (move !== undefined) {
      const clip = (value: number): number => Math.min(0.97, Math.max(0.03, value));
      const before = this.#pen;
      this.#pen = [clip(before[0] + KEY_STEP * move[0]), clip(before[1] + KEY_STEP * move[1])];
      if (this.#down) {
        const next = this.#pen;
        this.#last = before;
        this.#to(next);
      }
    } else if (event.key === " ") this.#down = !this.#down;
    else if (event.key === "Backspace" || event.key === "Delete") this.clear();
    else return;
    event.preventDefault();
    this.#cursor();
  }

  /** Shows where the keyboard's pen is, above the drawing. */
  #cursor(): void {
    this.#withoutCursor();
    if (!this.#canvas.matches(":focus-visible")) return;
    const { width, height } = this.#canvas;
    this.#ink = this.#context.getImageData(0, 0, width, height);
    this.#context.strokeStyle = this.#down ? "#ff9f40" : "#6ab0ff";
    this.#context.lineWidth = 3;
    this.#context.beginPath();
    this.#context.arc(this.#pen[0] * width, this.#pen[1] * height, (PEN * width) / 2 + 2, 0, 2 * Math.PI);
    this.#context.stroke();
  }

  #withoutCursor(): void {
    if (this.#ink !== null) this.#context.putImageData(this.#ink, 0, 0);
    this.#ink = null;
  }

  clear(): void {
    this.#wipe();
    this.#onChange();
  }

  #wipe(): void {
    this.#ink = null;
    this.#last = null;
    this.#context.fillStyle = "#000";
    this.#context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
  }

  /** Shows pixels of another picture, 28×28. */
  show(pixels: Uint8Array): void {
    this.#wipe();
    const small = document.createElement("canvas");
    small.width = small.height = SIDE;
    const context = small.getContext("2d")!;
    const image = context.createImageData(SIDE, SIDE);
    for (let i = 0; i < pixels.length; i++) image.data.set([pixels[i], pixels[i], pixels[i], 255], 4 * i);
    context.putImageData(image, 0, 0);
    this.#context.drawImage(small, 0, 0, this.#canvas.width, this.#canvas.height);
    this.#onChange();
  }

  /** What is drawn as 28×28 pixels: fitted into 20×20, its centre of mass in the middle. Null if nothing is. */
  sample(): Uint8Array | null {
    const { width, height } = this.#canvas;
    const ink = this.#ink ?? this.#context.getImageData(0, 0, width, height);
    const box = boxOf(ink);
    if (box === null) return null;
    const source = document.createElement("canvas");
    source.width = width;
    source.height = height;
    source.getContext("2d")!.putImageData(ink, 0, 0);
    const scale = BOX / Math.max(box.width, box.height);
    const left = SIDE / 2 - scale * (box.massX - box.left);
    const top = SIDE / 2 - scale * (box.massY - box.top);
    const small = document.createElement("canvas");
    small.width = small.height = SIDE;
    const context = small.getContext("2d")!;
    context.fillRect(0, 0, SIDE, SIDE);
    context.imageSmoothingQuality = "high";
    context.drawImage(
      source,
      ...([box.left, box.top, box.width, box.height] as const),
      ...([left, top, scale * box.width, scale * box.height] as const),
    );
    const { data } = context.getImageData(0, 0, SIDE, SIDE);
    return Uint8Array.from({ length: SIDE * SIDE }, (_, i) => data[4 * i]);
  }
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly massX: number;
  readonly massY: number;
}

function boxOf({ data, width, height }: ImageData): Box | null {
  let [left, top, right, bottom] = [width, height, -1, -1];
  let [mass, sumX, sumY] = [0, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = data[4 * (y * width + x)];
      if (value < INK) continue;
      [left, right] = [Math.min(left, x), Math.max(right, x)];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
      mass += value;
      sumX += value * x;
      sumY += value * y;
    }
  }
  if (mass === 0) return null;
  const size = { width: right - left + 1, height: bottom - top + 1 };
  return { left, top, ...size, massX: sumX / mass, massY: sumY / mass };
}
