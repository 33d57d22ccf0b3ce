/** @file What axe finds wrong with a page that is open. */
import axe from "axe-core";
import type { Page } from "playwright-core";

/** All that it finds; what is right it does not list, which takes most of its time on long pages. */
export async function violationsOf(page: Page): Promise<axe.Result[]> {
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate('axe.run({ resultTypes: ["violations"] })')) as axe.AxeResults;
  return violations;
}

/** Those that are serious, or worse. */
export async function seriousViolationsOf(page: Page): Promise<axe.Result[]> {
  return (await violationsOf(page)).filter(({ impact }) => impact === "serious" || impact === "critical");
}
