/** @file A packed model as one JavaScript file: runtime, kernels and weights inside, nothing to fetch or install. */
import { scriptJson } from "../core/printable.js";
import { bytesIn } from "../core/typed-arrays.js";
import { readPacked } from "../format/index.js";
import { RARE_NODES } from "../format/nodes/rare/index.js";
import { provideKinds } from "../infer/kinds.js";
import { RARE_SOURCE, RUNTIME_SOURCE } from "./runtime.generated.js";

/** Characters of a string that btoa is given at a time; a multiple of 3 keeps the parts joinable. */
const CHUNK = 3 << 12;

function base64Of(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK) {
    parts.push(btoa(String.fromCharCode(...bytes.subarray(at, at + CHUNK))));
  }
  return parts.join("");
}

/**
 * Makes a self-contained ES module of a packed model. It imports nothing, fetches nothing, and runs in browsers,
 * Workers and Node. Its exports:
 *
 * - `predict(image)` → `{ index, label, logits }`; `image` is an `ImageData` of the model's size, or the image's values
 * (bytes, or real numbers)
 * - `run(images)` → outputs of any number of images, one after the other
 * - `inputShape`, `classes`
 *
 * @param bytes a packed model, as `pack` gives it
 * @param file its name for messages
 * @returns the module's text; the same model gives the same text
 * @throws FormatError if the bytes are not a packed model
 * @example
 * await writeFile("digits.js", toModule(pack(net, { inputShape: [28, 28, 1] })));
 * // <script type="module"> import { predict } from "./digits.js"; predict(context.getImageData(0, 0, 28, 28)).label
 * </script>
 */
export function toModule(bytes: Uint8Array | ArrayBufferLike, file = "packed model"): string {
  provideKinds();
  const { plan } = readPacked(bytes, file);
  const rare = plan.nodes.some(({ op }) => op in RARE_NODES);
  const { shape } = plan.input;
  // The text may be put into a page's script element: data gets there as base64 and through scriptJson, where no tag
  // can begin. The runtime is ours: comparisons have a space or a letter after "<", never what opens a closing tag or a
  // comment.
  return `// A model packed by coarsegrad, with its runtime: predict(imageData) → { index, label, logits }. Input ${shape.join("×")}.
${RUNTIME_SOURCE}
${rare ? `${RARE_SOURCE}\ncoarsegrad.admit(coarsegradRare.addRareKinds);\n` : ""}const model = coarsegrad.standalone("${base64Of(bytesIn(bytes) as Uint8Array)}");
export const inputShape = ${scriptJson(shape)};
export const classes = ${scriptJson(plan.classes ?? null)};
export const predict = (image) => model.predict(image);
export const run = (images) => model.run(images);
`;
}
