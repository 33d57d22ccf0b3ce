/** @file The drawing page. */
import "../shell/index.js";
import "./draw.css";
import { connect } from "coarsegrad/worker";
import { button, byId, element, reporting } from "../shell/dom.js";
import { siteFile } from "../shell/files.js";
import { Pad } from "../shell/pad.js";
import { read, write } from "../shell/store.js";
import { EXAMPLES, exampleDigit } from "./examples.js";
import type { FloatHandlers } from "./float-worker.js";
import { LayerPictures } from "./layer-pictures.js";
import type { ReaderHandlers } from "./reader.js";
import { ReaderCard } from "./reader-card.js";

/** Where the float network that was trained here is kept. */
const FLOAT = "draw/float";

/** Images that it is trained on; a link may ask for fewer. */
const IMAGES = Math.max(20, Number(new URLSearchParams(location.search).get("images")) || 3000);

const reader = connect<ReaderHandlers>(new Worker(new URL("./reader.ts", import.meta.url), { type: "module" }));
const cards = new Map<string, ReaderCard>();
const pictures = new LayerPictures(byId("layers"));
let [busy, again] = [false, false];
const pad = new Pad(byId<HTMLCanvasElement>("pad"), () => void look());

/** Reads what is drawn, once at a time: what is drawn meanwhile is read next. */
async function look(): Promise<void> {
  if (busy || cards.size === 0) {
    again = true;
    return;
  }
  busy = true;
  try {
    const pixels = pad.sample();
    if (pixels === null) {
      for (const card of cards.values()) card.show(null);
      pictures.show([]);
    } else {
      const { readings, layers } = await reader.call("read", pixels);
      for (const reading of readings) cards.get(reading.model)?.show(reading);
      pictures.show(layers);
    }
  } finally {
    busy = false;
  }
  if (again) {
    again = false;
    // A frame between two readings: there is nothing to see of more.
    requestAnimationFrame(() => void look());
  }
}

async function take(model: string, title: string, about: string, bytes: Uint8Array): Promise<void> {
  await reader.call("load", model, bytes);
  const card = new ReaderCard(title, about, bytes.length, cards.size === 0);
  cards.set(model, card);
  byId("readers").append(card.root);
  await look();
}

async function takeFloat(bytes: Uint8Array): Promise<void> {
  await take("float", "LeNet-5, float", "trained in this page on generated digits", bytes);
}

/** Offers to train a float network, or takes the one that was trained on an earlier visit. */
async function offerFloat(): Promise<void> {
  const kept = await read<Uint8Array>("files", FLOAT).catch(() => undefined);
  if (kept !== undefined) return takeFloat(kept);
  const error = element("p", { class: "error", role: "alert" });
  const bar = element("progress", { max: 1, value: 0, hidden: true, "aria-label": "Training of the float network" });
  const start = button("Train it here", () =>
    reporting(error, async () => {
      start.disabled = true;
      bar.hidden = false;
      const worker = connect<FloatHandlers>(
        new Worker(new URL("./float-worker.ts", import.meta.url), { type: "module" }),
      );
      try {
        const bytes = await worker.call("train", IMAGES, {
          onShare: (share: number) => bar.setAttribute("value", `${share}`),
        });
        await write([["files", FLOAT, bytes]]).catch(() => undefined);
        card.remove();
        await takeFloat(bytes);
      } finally {
        worker.terminate();
        start.disabled = false;
        bar.hidden = true;
      }
    }),
  );
  const text =
    "The same network with float weights is 27 times as large. Training one on 3,000 generated digits takes some seconds here.";
  const card = element(
    "div",
    { class: "card reader" },
    element("h3", {}, "LeNet-5, float"),
    element("p", { class: "note" }, text),
    start,
    bar,
    error,
  );
  byId("readers").append(card);
}

let shown = 0;
byId("clear").addEventListener("click", () => pad.clear());
byId("example").addEventListener("click", () => pad.show(exampleDigit(shown++ % EXAMPLES)));
void reporting(byId("error"), async () => {
  const bytes = await siteFile("examples/lenet5-mnist-1w4a.cgm");
  await take("packed", "LeNet-5, 1-bit weights", "trained on MNIST, run as integers", bytes);
  await offerFloat();
});
