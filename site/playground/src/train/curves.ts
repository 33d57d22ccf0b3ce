/** @file The four charts of the training page. */
import { byId } from "../shell/dom.js";
import { inAFrame } from "../shell/frames.js";
import { type Line, Plot } from "../shell/plot.js";
import { type Style, style } from "../shell/styles.js";
import type { Curve, RunRecord } from "./record.js";

/** A run and how it is drawn. */
export interface ShownRun {
  readonly record: RunRecord;
  readonly style: Style;
}

/** Charts of some runs, and of the layers of one. */
export class Curves {
  readonly #loss = new Plot(byId("chart-loss"), { title: "Training loss", x: "epoch" });
  readonly #accuracy = new Plot(byId("chart-accuracy"), { title: "Accuracy on test images", x: "epoch", unit: "%" });
  readonly #flips = new Plot(byId("chart-flips"), { title: "Flips of codes in a step", x: "epoch", unit: "%" });
  readonly #alpha = new Plot(byId("chart-alpha"), { title: "Activation steps", x: "epoch" });

  draw(shown: readonly ShownRun[], current: RunRecord | null): void {
    const names = uniqueNames(shown.map(({ record }) => record.name));
    const line = (i: number, { x, y }: Curve): Line => ({ label: names[i], ...shown[i].style, x, y });
    inAFrame("loss", () => this.#loss.draw(shown.map(({ record }, i) => line(i, record.losses))));
    inAFrame("accuracy", () => this.#accuracy.draw(shown.map(({ record }, i) => line(i, accuracyOf(record)))));
    // A float network has no codes and no steps.
    for (const id of ["flips", "alpha"]) byId(`card-${id}`).hidden = current !== null && current.config.quant === null;
    inAFrame("flips", () => this.#flips.draw(byLayer(current?.flips ?? {})));
    inAFrame("alpha", () => this.#alpha.draw(byLayer(current?.alpha ?? {})));
  }
}

function accuracyOf({ epochs }: RunRecord): Curve {
  const told = epochs.filter(({ valAccuracy }) => valAccuracy !== undefined);
  return { x: told.map(({ epoch }) => epoch), y: told.map(({ valAccuracy }) => 100 * valAccuracy!) };
}

function byLayer(curves: Readonly<Record<string, Curve>>): Line[] {
  return Object.entries(curves).map(([label, { x, y }], i) => ({ label, ...style(i), x, y }));
}

function uniqueNames(names: readonly string[]): string[] {
  return names.map((name, i) => (names.indexOf(name) === i ? name : `${name} (${i + 1})`));
}
