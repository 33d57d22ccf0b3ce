/** @file Parts that the figures share: colours of the proxies, axes, the layout of panels. */

/** A figure as a Vega-Lite specification, without what all figures share. */
export type Spec = Readonly<Record<string, unknown>>;

/** Proxies and their colours, safe for colour-blind readers (Okabe and Ito). */
export const PROXY_COLOURS = {
  domain: ["clipped-relu", "relu", "identity"],
  range: ["#0072b2", "#009e73", "#d55e00"],
};

/** Radians to degrees, for axes. */
export const degrees = (theta: number): number => (theta * 180) / Math.PI;

/** Colour by proxy; further names follow the three. */
export function byProxy(extra: readonly string[] = [], field = "proxy", title = "proxy"): Spec {
  const range = [...PROXY_COLOURS.range, "#56b4e9", "#cc79a7"];
  return { field, type: "nominal", title, scale: { domain: [...PROXY_COLOURS.domain, ...extra], range } };
}

/** A quantitative channel. */
export function axis(field: string, title: string, options: Spec = {}): Spec {
  return { field, type: "quantitative", title, ...options };
}

/** An angle in degrees, with ticks at multiples of 45. */
export function angle(field: string, title: string): Spec {
  return axis(field, title, { scale: { domain: [0, 180] }, axis: { values: [0, 45, 90, 135, 180], format: "d" } });
}

/** A panel of lines. */
export function lines(data: readonly object[], encoding: Spec, size: { width?: number; height?: number } = {}): Spec {
  return {
    width: size.width ?? 300,
    height: size.height ?? 190,
    data: { values: data },
    mark: { type: "line", strokeWidth: 2, clip: true },
    encoding,
  };
}

/** A figure with a title and a line below it. */
export function titled(text: string, subtitle: string | readonly string[], body: Spec): Spec {
  return { title: { text, subtitle }, ...body };
}
