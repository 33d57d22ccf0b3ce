/** @file The panel of a proxy of one's own: code, examples, the slopes of all proxies. */
import { byId, element, reporting } from "../shell/dom.js";
import { type Line, Plot } from "../shell/plot.js";
import type { GuardedWorker } from "./guarded.js";
import { PROXY_NAMES, type ProxyName } from "./model.js";
import { COLORS } from "./plane.js";

const SAMPLES: readonly (readonly [name: string, code: string])[] = [
  ["Triangle", "(x, alpha, top) => Math.max(0, 1 - Math.abs((2 * x) / (top * alpha) - 1))"],
  ["Bump around 0", "(x) => Math.exp(-4 * x * x)"],
  ["Leaky", "(x) => (x > 0 ? 1 : 0.1)"],
  ["Backwards", "(x) => (x > 0 ? -1 : 0)"],
];

/** Makes the panel work. @param onUse told when another proxy is in use */
export function ownProxyPanel(worker: GuardedWorker, onUse: () => void): void {
  const plot = new Plot(byId("chart-proxies"), { title: "Slopes of the proxies", x: "x", height: 190 });
  const code = byId<HTMLTextAreaElement>("code");
  const samples = byId<HTMLSelectElement>("samples");
  SAMPLES.forEach(([name], i) => {
    samples.append(element("option", { value: i }, name));
  });
  code.value = SAMPLES[0][1];
  samples.addEventListener("change", () => {
    code.value = SAMPLES[Number(samples.value)][1];
  });

  const draw = async (names: readonly ProxyName[]): Promise<void> => {
    const xs = Array.from({ length: 201 }, (_, i) => (i - 100) / 50);
    const lines: Line[] = [];
    for (const name of names)
      lines.push({ label: name, color: COLORS[name], x: xs, y: await worker.call("slopes", name, xs) });
    plot.draw(lines);
  };
  byId("apply").addEventListener("click", () => {
    void reporting(byId("code-error"), async () => {
      await worker.own(code.value);
      onUse();
      await draw(PROXY_NAMES);
    });
  });
  void reporting(byId("code-error"), () => draw(PROXY_NAMES.filter((name) => name !== "own")));
}
