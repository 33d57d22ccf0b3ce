/** @file Pieces that several sections of the report page are made of. */
import { html, type Markup } from "../html.js";
import type { ReportRun } from "../model.js";
import type { Style } from "../palette.js";
import { type Measured, standardError } from "../statistics.js";

/** A cell without a figure. */
export const NONE = html`<span class="dim">–</span>`;

/** The mark of a run's colour. */
export function swatch({ color, dashed }: Style): Markup {
  return html`<i class="swatch${dashed && html` dashed`}" style="--swatch:var(${color})"></i>`;
}

/** A word in a small box. */
export function chip(text: string): Markup {
  return html`<span class="chip">${text}</span>`;
}

/** Anchor of a run's own panel. */
export function panelId(run: number): string {
  return `run-${run}`;
}

/** Anchor of a layer of a run: what rows of tables link to. */
export function layerId(run: number, layer: number): string {
  return `run-${run}-layer-${layer}`;
}

/** Anchor of the row of a layer in its run's table. */
export function rowId(run: number, layer: number): string {
  return `run-${run}-row-${layer}`;
}

/** A run's accuracy with the number of images that it is of, or null. */
export function measured({ accuracy, testImages }: ReportRun): Measured | null {
  return accuracy === null || testImages === null || testImages === 0 ? null : { accuracy, images: testImages };
}

/** `± 0.24`, the standard error of a run's accuracy; null where the number of images is not known. */
export function errorText(run: ReportRun): string | null {
  const own = measured(run);
  return own === null ? null : `± ${standardError(own).toFixed(2)}`;
}

/** One cell of a {@link stackTable}. */
export interface Cell {
  readonly value: Markup | string;
  readonly number?: boolean;
}

/** The head of a column. */
export interface Head {
  readonly text: string;
  readonly number?: boolean;
  /** It holds a name, which may have no place to break. */
  readonly named?: boolean;
}

/** A table whose rows become blocks, each value with its column's name, where the page is too narrow for columns. */
export interface StackTable {
  readonly id?: string;
  readonly caption: string;
  /** What the first column, the heads of the rows, holds. */
  readonly corner: string;
  readonly heads: readonly Head[];
  readonly rows: readonly { readonly id?: string; readonly head: Markup | string; readonly cells: readonly Cell[] }[];
  readonly foot?: { readonly head: string; readonly cells: readonly Cell[] };
  /** Blocks at every width: for more columns than any page has room for. */
  readonly always?: boolean;
}

/** The table, with roles: as blocks it would be none to screen readers. */
export function stackTable(table: StackTable): Markup {
  const { id, caption, corner, heads, rows, foot, always } = table;
  const numeric = (number: boolean | undefined): Markup | false => number === true && html` class="n"`;
  const cells = (own: readonly Cell[]): Markup[] =>
    own.map(
      ({ value, number }, i) =>
        html`<td role="cell" data-label="${heads[i].text}"${numeric(number)}${value === "" && html` data-empty`}>${value}</td>`,
    );
  return html`<div class="card"><table role="table"${id !== undefined && html` id="${id}"`} class="stack${always === true && html` always`}"><caption class="hidden">${caption}</caption>
<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">${corner}</th>${heads.map(
    ({ text, number, named }) =>
      html`<th role="columnheader" scope="col"${numeric(number)}>${named === true ? html`<span class="name">${text}</span>` : text}</th>`,
  )}</tr></thead>
<tbody role="rowgroup">${rows.map(
    (row) =>
      html`<tr role="row"${row.id !== undefined && html` id="${row.id}" tabindex="-1"`}><th role="rowheader" scope="row">${row.head}</th>${cells(row.cells)}</tr>`,
  )}</tbody>${
    foot !== undefined &&
    html`
<tfoot role="rowgroup"><tr role="row"><th role="rowheader" scope="row">${foot.head}</th>${cells(foot.cells)}</tr></tfoot>`
  }
</table></div>`;
}
