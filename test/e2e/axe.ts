/** What axe finds on a page that keeps people from using it. */
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";

/** Violations of every weight, each as axe tells it, once what moves stands still: a colour on its way is none of the page's. @param within a selector; absent: the whole page */
export async function violationsOn(page: Page, within?: string) {
  await page.evaluate(() => Promise.allSettled(document.getAnimations().filter((each) => each.effect?.getComputedTiming().endTime !== Infinity).map((each) => each.finished)));
  const axe = new AxeBuilder({ page });
  return (await (within === undefined ? axe : axe.include(within)).analyze()).violations;
}

/** Serious and critical violations, each with its rule and the first element. */
export async function seriousOn(page: Page, within?: string): Promise<string[]> {
  const violations = await violationsOn(page, within);
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}
