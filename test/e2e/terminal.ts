/** The tab "Terminal" as a person uses it: attaching, a line in and what it says until the next prompt, detaching. */
import { expect } from "@playwright/test";
import type { Locator, Page } from "@playwright/test";

/** A machine is emulated, and other tests may have the processors too. */
const PATIENCE_MS = 120_000;

export interface Answer {
  readonly text: string;
  readonly status: number;
}

export class Terminal {
  readonly page: Page;
  readonly screen: Locator;
  readonly phase: Locator;
  /** Lines that were run: an answer says which of them it is of, for the one before may still be on the screen. */
  private lines = 0;

  constructor(page: Page) {
    this.page = page;
    this.screen = page.getByRole("group", { name: "Terminal of Linux" });
    this.phase = page.getByRole("tabpanel").getByRole("status");
  }

  /** Attaches Linux to the attached image and waits for its prompt. @returns milliseconds until then, as the page says them */
  async attach(): Promise<number> {
    await this.page.getByRole("tab", { name: "Terminal" }).click();
    await this.page.getByRole("button", { name: "Attach Linux" }).click();
    return this.up();
  }

  /** As attach, where Linux was attached by another way; the tab is shown. */
  async arrive(): Promise<number> {
    await this.page.getByRole("tab", { name: "Terminal" }).click();
    return this.up();
  }

  private async up(): Promise<number> {
    await expect(this.phase).toContainText("Running, up in", { timeout: PATIENCE_MS });
    // The shell is told how large its terminal is; what is typed meanwhile waits.
    await this.screen.click();
    return Number(/up in ([\d.]+) s/.exec(await this.phase.innerText())?.[1]) * 1000;
  }

  /** Types a line, on a screen that is cleared, and waits for what it says and how it ended. The answer must fit the screen. */
  async run(line: string, patienceMs = PATIENCE_MS): Promise<Answer> {
    const number = ++this.lines;
    await this.screen.getByRole("textbox").focus();
    await this.page.keyboard.type(`{ ${line}; } >/tmp/said 2>&1; echo $? >/tmp/ended; clear; cat /tmp/said; echo "[status $(cat /tmp/ended) of line ${number}]"\n`);
    let said = "";
    await expect
      .poll(async () => (said = await this.shown()), { timeout: patienceMs, message: `the answer to ${line}` })
      .toMatch(new RegExp(`\\[status \\d+ of line ${number}\\]\\s*zoned:\\S*#\\s*$`));
    const [, text = "", status] = /^([^]*)\[status (\d+) of line \d+\]/.exec(said) ?? [];
    return { text: text.trim(), status: Number(status) };
  }

  /** As run, for a line that must not fail. */
  async must(line: string): Promise<string> {
    const { text, status } = await this.run(line);
    expect(status, `${line}: ${text}`).toBe(0);
    return text;
  }

  /** Types a line and waits for nothing. */
  async type(line: string): Promise<void> {
    await this.screen.getByRole("textbox").focus();
    await this.page.keyboard.type(`${line}\n`);
  }

  /** Has Linux power off, and waits until the image is the page's again. */
  async detach(): Promise<void> {
    await this.page.getByRole("button", { name: "Detach" }).click();
    await expect(this.page.getByRole("button", { name: "Attach Linux" })).toBeVisible({ timeout: PATIENCE_MS });
    await expect(this.page.getByRole("tabpanel")).toContainText("Linux powered off");
  }

  /** The rows of the screen as they are read out, each on a line. */
  private shown(): Promise<string> {
    return this.screen.locator(".xterm-accessibility-tree").evaluate((tree) => [...tree.children].map((row) => (row.textContent ?? "").trimEnd()).join("\n").trim());
  }
}
