import fc from "fast-check";
import { encode } from "fast-png";
import { describe, expect, it } from "vitest";
import { embeddedJson, html } from "../../src/cli/report/html.js";
import { describeFailure } from "../../src/cli/ui/failure.js";
import { bytes, count, duration, short } from "../../src/cli/ui/numbers.js";
import { barLine, remaining } from "../../src/cli/ui/progress.js";
import { FormatError } from "../../src/core/errors.js";
import { table } from "../../src/core/table.js";
import { decodeImage, fitImage, looksInverted } from "../../src/node/images/picture.js";
import { UsageError } from "../../src/run/usage-error.js";

describe("failures", () => {
  it("become one line and a code", () => {
    expect(describeFailure(new UsageError({ op: "train", what: "a\nb" }))).toEqual({ code: 2, line: "train: a b" });
    expect(describeFailure(new FormatError({ op: "x.cgm", what: "truncated" })).code).toBe(1);
    expect(describeFailure(new DOMException("stop", "AbortError")).code).toBe(130);
    const missing = Object.assign(new Error("ENOENT: …"), { code: "ENOENT", path: "a/b" });
    expect(describeFailure(missing)).toEqual({
      code: 1,
      line: "a/b: no such file or folder; expected an existing path",
    });
  });
});

describe("text", () => {
  it("formats numbers", () => {
    expect(count(1234567)).toBe("1,234,567");
    expect(count(999)).toBe("999");
    expect(bytes(999)).toBe("999 B");
    expect(bytes(76321)).toBe("76.3 kB");
    expect(bytes(999_999)).toBe("1.0 MB");
    expect(bytes(2_310_000)).toBe("2.3 MB");
    expect(duration(8.24)).toBe("8.2 s");
    expect(duration(185)).toBe("3 min 05 s");
    expect(duration(7620)).toBe("2 h 07 min");
    expect(short(1e-5)).toBe("1e-5");
    expect(short(0.02)).toBe("0.02");
    expect(short(1234567)).toBe("1.23e6");
  });

  it("aligns tables", () => {
    expect(
      table(
        [{ head: "layer" }, { head: "bytes", right: true }],
        [
          ["a", "1"],
          ["long name", "12345"],
        ],
        [["", "12346"]],
      ),
    ).toBe(
      [
        "layer      bytes",
        "─────────  ─────",
        "a              1",
        "long name  12345",
        "─────────  ─────",
        "           12346",
      ].join("\n"),
    );
  });

  it("escapes what goes into a page", () => {
    expect(html`<b title="${'"'}">${"<script>"}${[html`<i>${1}</i>`, null, false]}</b>`.text).toBe(
      '<b title="&#34;">&#60;script&#62;<i>1</i></b>',
    );
    expect(embeddedJson({ name: "</script>" }).text).toBe('{"name":"\\u003c/script>"}');
  });

  it("of progress fits into any terminal, and keeps what matters most", () => {
    const line = {
      label: "train 1W4A bcgd",
      share: 0.314,
      details: "epoch 12/30  loss 0.0456  accuracy 98.76 %  validation 97.65 %  1234 images/s",
      eta: "ETA 3 min 05 s",
    };
    for (let columns = 1; columns <= 200; columns++) {
      const text = barLine(line, columns);
      expect(text.length).toBeLessThanOrEqual(Math.max(1, columns - 1));
      if (columns >= 24) expect(text).toContain(" 31 %");
      if (columns >= 38) expect(text).toContain("epoch 12/30");
      if (columns >= 72) expect(text).toContain("validation 97.65 %");
    }
    expect(barLine(line, 40)).toBe("train 1W4A bcgd  31 %  epoch 12/30");
    expect(barLine(line, 80)).toBe("train 1W4A bcgd ██░░░░  31 %  epoch 12/30  accuracy 98.76 %  validation 97.65 %");
    expect(barLine(line, 160)).toBe(
      `${"train 1W4A bcgd".padEnd(22)} ${"█".repeat(8)}${"░".repeat(16)}  31 %  ${line.details}  ${line.eta}`,
    );
    expect(barLine({ label: "eval", share: 1, details: "", eta: "" }, 80)).toBe(
      `${"eval".padEnd(22)} ${"█".repeat(24)} 100 %`,
    );
    expect(barLine({ label: "x".repeat(300), share: 0, details: "", eta: "" }, 40)).toBe("x".repeat(39));
  });

  it("estimates the time that is left from what was done since the start", () => {
    expect(remaining(10, 30, 50, 20)).toBe(20);
    expect(remaining(10, 20, 50, 20)).toBeNaN();
  });
});

describe("images", () => {
  const grey = (width: number, height: number, pixels: number[]) => ({
    width,
    height,
    channels: 1 as const,
    pixels: Uint8Array.from(pixels),
  });

  it.each([
    ["grey", 1, [0, 128, 255, 7], [0, 128, 255, 7]],
    ["grey with alpha", 2, [200, 255, 200, 0, 100, 51, 9, 255], [200, 0, 20, 9]],
  ])("decodes PNG, %s", (_, channels, data, expected) => {
    const file = encode({ width: 2, height: 2, depth: 8, channels, data: Uint8Array.from(data) });
    const image = decodeImage("x.png", file);
    expect([...image.pixels]).toEqual(expected);
    expect(image.channels).toBe(1);
  });

  it("decodes 16-bit and 1-bit PNG", () => {
    const deep = encode({ width: 2, height: 1, depth: 16, channels: 1, data: Uint16Array.from([0, 65535]) });
    expect([...decodeImage("x.png", deep).pixels]).toEqual([0, 255]);
    const bits = encode({ width: 10, height: 2, depth: 1, channels: 1, data: Uint8Array.from([0xa0, 0x40, 0, 0x80]) });
    const lit = [...decodeImage("x.png", bits).pixels].flatMap((value, i) => (value === 255 ? [i] : []));
    expect(lit).toEqual([0, 2, 9, 18]);
  });

  it("decodes PGM and PPM, text and binary", () => {
    const text = (source: string) => new TextEncoder().encode(source);
    expect([...decodeImage("a.pgm", text("P2\n# made by hand\n2 1\n15\n0 15\n")).pixels]).toEqual([0, 255]);
    expect([...decodeImage("a.pgm", text("P5 2 1 255\nAB")).pixels]).toEqual([65, 66]);
    expect(decodeImage("a.ppm", text("P6 1 1 255\nABC"))).toMatchObject({ channels: 3, width: 1, height: 1 });
  });

  it.each([
    ["an empty file", [], "not an image that can be read"],
    ["text", [104, 105, 33, 10], "not an image that can be read"],
    ["a truncated PNG", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0], "damaged PNG"],
    [
      "a truncated PGM",
      [...new TextEncoder().encode("P5 9 9 255\nAB")],
      "truncated; expected 81 bytes of pixels, got 2",
    ],
    ["a PGM of no size", [...new TextEncoder().encode("P5 0 9 255\n")], "size"],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => decodeImage("x", Uint8Array.from(bytes))).toThrow(FormatError);
    expect(() => decodeImage("x", Uint8Array.from(bytes))).toThrow(message);
  });

  it("averages areas, keeps what fits, and inverts on request", () => {
    expect([...fitImage(grey(2, 2, [0, 100, 100, 200]), [1, 1, 1])]).toEqual([100]);
    expect([...fitImage(grey(3, 1, [0, 90, 255]), [1, 2, 1])]).toEqual([30, 200]);
    expect([...fitImage(grey(2, 1, [3, 9]), [1, 2, 1])]).toEqual([3, 9]);
    expect([...fitImage(grey(2, 1, [3, 9]), [1, 2, 1], true)]).toEqual([252, 246]);
    expect([...fitImage(grey(1, 1, [7]), [1, 2, 3])]).toEqual([7, 7, 7, 7, 7, 7]);
    expect(() => fitImage(grey(1, 1, [7]), [1, 1, 2])).toThrow("the network does not take images");
  });

  it("never leaves the range of its pixels", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        (w, h, n) => {
          const pixels = Array.from({ length: w * h }, (_, i) => (i * 37) % 256);
          const out = fitImage(grey(w, h, pixels), [n, n, 1]);
          expect(Math.min(...out)).toBeGreaterThanOrEqual(Math.min(...pixels));
          expect(Math.max(...out)).toBeLessThanOrEqual(Math.max(...pixels));
        },
      ),
    );
  });

  it("notices dark ink on white", () => {
    const paper = Array.from({ length: 25 }, (_, i) => (i === 12 ? 0 : 255));
    expect(looksInverted(grey(5, 5, paper))).toBe(true);
    expect(
      looksInverted(
        grey(
          5,
          5,
          paper.map((value) => 255 - value),
        ),
      ),
    ).toBe(false);
  });
});
