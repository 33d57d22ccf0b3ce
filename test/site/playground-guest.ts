/** @file One way to drive a page of the playground in Firefox and in WebKit. */
import { setTimeout as sleep } from "node:timers/promises";
import { launch } from "puppeteer-core";
import { hasProgram } from "../tools.js";
import { openWebKit } from "./webkit.js";

/** A point of the window. */
export type Point = readonly [x: number, y: number];

/** What runs something in a page. */
export interface Runner {
  /** Runs the body of a function in the page. */
  run(body: string): Promise<unknown>;
}

/** A page in some browser. */
export interface Guest extends Runner {
  goto(address: string): Promise<void>;
  /** Presses the mouse's button at the first point, and lets it go at the last one. */
  drag(points: readonly Point[]): Promise<void>;
}

/** The Firefox that is there, if any. */
export const firefox = ["firefox-esr", "firefox"].find((name) => hasProgram(name));

/** A browser that stays open for several pages, one after the other. */
export interface GuestBrowser extends AsyncDisposable {
  /** A page; what one host's pages store, others do not see. */
  visit<T>(work: (guest: Guest) => Promise<T>): Promise<T>;
}

/** Starts Firefox. */
export async function openFirefox(): Promise<GuestBrowser> {
  const { PATH = "" } = process.env;
  const folder = PATH.split(":").find((each) => hasProgram(firefox!, { PATH: each }));
  const browser = await launch({ browser: "firefox", executablePath: `${folder}/${firefox}`, headless: true });
  return {
    async visit(work) {
      const page = await browser.newPage();
      try {
        return await work({
          goto: async (address) => void (await page.goto(address)),
          run: (body) => page.evaluate(`(() => {${body}})()`),
          async drag([first, ...rest]) {
            await page.mouse.move(...(first as [number, number]));
            await page.mouse.down();
            for (const [x, y] of rest) await page.mouse.move(x, y);
            await page.mouse.up();
          },
        });
      } finally {
        await page.close();
      }
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

/** Starts WebKit, which is given one page for all. */
export async function openGuestWebKit(): Promise<GuestBrowser> {
  const page = await openWebKit();
  return {
    async visit(work) {
      try {
        return await work(page);
      } finally {
        await page.goto("about:blank");
      }
    },
    [Symbol.asyncDispose]: () => page[Symbol.asyncDispose](),
  };
}

/**
 * Asks the page until there is an answer.
 *
 * @param body of a function that gives "" while there is none
 * @returns the answer
 * @throws Error if none comes, or the page says on one of its places for errors that something is wrong
 */
export async function answer(guest: Runner, body: string): Promise<unknown> {
  const asked = `const wrong = [...document.querySelectorAll(".error")].map((place) => place.textContent).join("");
    if (wrong !== "") return "wrong: " + wrong;
    ${body}`;
  for (let tries = 0; tries < 500; tries++) {
    const said = await guest.run(asked);
    if (String(said).startsWith("wrong: ")) throw new Error(String(said));
    if (said !== "" && said !== null && said !== undefined) return said;
    await sleep(200);
  }
  const seen = await guest.run(`return location.href + ", " + document.readyState + ": " + document.body.innerText;`);
  throw new Error(`no answer to: ${body}\nfrom ${seen}`);
}

/** Waits until an expression of the page holds. */
export const until = (guest: Runner, expression: string): Promise<unknown> =>
  answer(guest, `return (${expression}) ? "yes" : "";`);

/** Clicks what a selector finds, as soon as it can be clicked. */
export const click = (guest: Runner, selector: string): Promise<unknown> =>
  answer(
    guest,
    `const found = document.querySelector(${JSON.stringify(selector)});
     if (found === null || found.disabled || found.offsetParent === null) return "";
     found.click();
     return "clicked";`,
  );

/** Drops files on what a selector finds, as soon as the page takes them. */
export async function drop(
  guest: Runner,
  selector: string,
  files: readonly (readonly [name: string, bytes: Uint8Array])[],
): Promise<void> {
  const given = files.map(([name, bytes]) => [name, Buffer.from(bytes).toString("base64")]);
  await answer(
    guest,
    `const zone = document.querySelector(${JSON.stringify(selector)});
     if (zone === null) return "";
     const files = new DataTransfer();
     for (const [name, text] of ${JSON.stringify(given)})
       files.items.add(new File([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], name));
     // Whoever takes files keeps the browser from opening them: a page that does not yet listen has lost the event.
     const dropped = new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true });
     return zone.dispatchEvent(dropped) ? "" : "taken";`,
  );
}
