/** @file What a run's packed model gets wrong: classes against classes, and the pictures. */
import { count, percent } from "../../ui/numbers.js";
import { html, type Markup } from "../html.js";
import { isShown, type Mistake, type Picture, type Predictions, type ReportRun } from "../model.js";

/** Classes that a matrix has room for; of more, the pairs that are confused most are listed. */
const MOST_CLASSES = 20;
/** How many pairs. */
const MOST_PAIRS = 12;

/** The section, or why it is left out. */
export function mistakes({ predictions }: ReportRun): Markup {
  const title = html`<h3>What it gets wrong</h3>`;
  if (!isShown(predictions)) return html`${title}<p class="out">Left out: ${predictions.leftOut}.</p>`;
  const { images, wrong, warning } = predictions;
  return html`${title}
<p>The packed model, run by the integer runtime when this page was made, misreads ${count(wrong)} of ${count(images)} test images (${percent((100 * wrong) / images)}).${
    warning !== null && html` <strong>${warning}</strong>`
  }</p>
${
  wrong > 0 &&
  html`<div class="wrongs">
${predictions.classes.length <= MOST_CLASSES ? matrix(predictions) : pairs(predictions)}
${predictions.mistakes.length > 0 && pictures(predictions)}
</div>`
}`;
}

function matrix({ confusion, classes }: Predictions): Markup {
  const most = Math.max(1, ...confusion.flatMap((row, i) => row.filter((_, j) => j !== i)));
  const cell = (found: number, truth: number, predicted: number): Markup => {
    if (found === 0) return html`<td></td>`;
    if (truth === predicted) return html`<td class="right">${found}</td>`;
    return html`<td class="wrong" style="--share:${Math.round(14 + (36 * found) / most)}%">${found}</td>`;
  };
  const recall = (row: readonly number[], truth: number): string => {
    const all = row.reduce((sum, found) => sum + found, 0);
    return all === 0 ? "–" : ((100 * row[truth]) / all).toFixed(1);
  };
  const long = classes.some((name) => [...name].length > 3);
  return html`<figure class="card confusion"><figcaption><h4>Confusion matrix</h4><span>Rows: what the images are. Columns: what they are read as.</span></figcaption>
<table class="matrix${long && html` long`}"><caption class="hidden">Confusion matrix: rows are true classes, columns predicted ones</caption>
<thead><tr><td></td>${classes.map((name) => html`<th scope="col"><span>${name}</span></th>`)}<th scope="col" class="recall"><span>right, %</span></th></tr></thead>
<tbody>${confusion.map(
    (row, truth) =>
      html`<tr><th scope="row">${classes[truth]}</th>${row.map((found, predicted) => cell(found, truth, predicted))}<td class="recall">${recall(row, truth)}</td></tr>`,
  )}</tbody></table></figure>`;
}

function pairs({ confusion, classes }: Predictions): Markup {
  const found = confusion
    .flatMap((row, truth) => row.map((images, predicted) => ({ images, truth, predicted })))
    .filter(({ images, truth, predicted }) => images > 0 && truth !== predicted)
    .sort((a, b) => b.images - a.images)
    .slice(0, MOST_PAIRS);
  return html`<div class="card confusion"><h4>Classes that are confused most</h4>
<p>A matrix of ${classes.length} classes would not be readable.</p>
<ol class="pairs">${found.map(
    ({ images, truth, predicted }) =>
      html`<li><b>${classes[truth]}</b> read as <b>${classes[predicted]}</b> <span class="images">${count(images)}</span></li>`,
  )}</ol></div>`;
}

function pictures({ mistakes: shown, wrong, classes }: Predictions): Markup {
  return html`<div class="card mistakes"><h4>${
    shown.length === wrong ? `All ${count(wrong)} mistakes` : `${shown.length} of ${count(wrong)} mistakes`
  }</h4><p>The most confident first.</p>
<ul class="pictures">${shown.map((mistake) => mistakeItem(mistake, classes))}</ul></div>`;
}

function mistakeItem({ image, truth, predicted, probability, picture }: Mistake, classes: readonly string[]): Markup {
  return html`<li title="test image ${image}">${drawing(picture, "")}<span class="is">is <b>${classes[truth]}</b></span><span class="as">read as <b>${classes[predicted]}</b></span><span class="sure">${percent(100 * probability, 0)} sure</span></li>`;
}

/** A picture, drawn with sharp pixels. @param label what it shows; empty where the text beside it says so */
export function drawing({ url, width, height }: Picture, label: string): Markup {
  const named = label === "" ? html` aria-hidden="true"` : html` role="img" aria-label="${label}"`;
  return html`<svg${named} viewBox="0 0 ${width} ${height}"><image href="${url}" width="${width}" height="${height}"/></svg>`;
}
