/** @file A run on the playground's training page, with what it does to the page's frames meanwhile. */

/** Notes gaps between frames and long tasks from the first moment of the page. */
const WATCH = `{
  const watch = (globalThis.watch = { gaps: [], longTasks: [] });
  let before = 0;
  const frame = (now) => {
    if (before > 0) watch.gaps.push(now - before);
    before = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) watch.longTasks.push(duration);
  }).observe({ entryTypes: ["longtask"] });
}`;

/** The last run, as the page keeps it. */
const RECORD = `new Promise((resolve, reject) => {
  const open = indexedDB.open("coarsegrad-playground");
  open.onerror = () => reject(open.error);
  open.onsuccess = () => {
    const all = open.result.transaction("runs").objectStore("runs").getAll();
    all.onsuccess = () => resolve(all.result.at(-1));
  };
})`;

const ended = `(() => {
  const text = (id) => document.getElementById(id).textContent;
  const wrong = text("run-error") + text("form-error");
  if (wrong !== "") throw new Error(wrong);
  return /^Finished/.test(text("run-status"));
})()`;

/**
 * Trains on the page.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {string} address of the training page, with the settings
 * @returns {Promise<{ rates: number[], weightsSha256: string, gaps: number[], longTasks: number[] }>} images/s of each
 *   epoch; milliseconds between frames and of long tasks, from the click to the end of the test
 */
export async function trainInPage(browser, address) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  try {
    const page = await context.newPage();
    await page.addInitScript(WATCH);
    await page.goto(address);
    await page.waitForSelector("#start:enabled");
    await page.evaluate("watch.gaps.length = watch.longTasks.length = 0");
    await page.click("#start");
    await page.waitForFunction(ended, null, { timeout: 120_000, polling: 200 });
    const { gaps, longTasks } = await page.evaluate("watch");
    const { epochs, outcome } = await page.evaluate(RECORD);
    const rates = epochs.map(({ imagesPerSecond }) => imagesPerSecond);
    return { rates, weightsSha256: outcome.weightsSha256, gaps, longTasks };
  } finally {
    await context.close();
  }
}
