/** The page's regions by role and name, and what a person does with them: the vocabulary of the end-to-end tests. */
import { expect } from "@playwright/test";
import type { Locator, Page } from "@playwright/test";

/** The create command as it was posted with the series. */
export const SEED_COMMAND =
  "qemu-img create -f qcow2 test.qcow2 -o size=768M -o zone_size=64M -o zone_capacity=64M -o nr_conv_zones=0 " +
  "-o max_append_sectors=512 -o max_open_zones=0 -o max_active_zones=0 -o zone_model=1";

export class Zonescope {
  readonly page: Page;
  readonly map: Locator;
  readonly table: Locator;
  readonly zone: Locator;
  readonly resources: Locator;
  readonly output: Locator;
  readonly command: Locator;
  readonly events: Locator;
  readonly image: Locator;

  constructor(page: Page) {
    this.page = page;
    this.map = page.getByRole("region", { name: "Zone map" });
    this.table = page.getByRole("table", { name: "Zones" });
    this.zone = page.getByRole("region", { name: "Zone", exact: true });
    this.resources = page.getByRole("region", { name: "Resources" });
    this.output = page.getByRole("region", { name: "Console" }).getByRole("log", { name: "Console output" });
    this.command = page.getByRole("textbox", { name: "Command" });
    this.events = page.getByRole("log", { name: "Events" });
    this.image = page.getByRole("banner").getByRole("combobox", { name: "Image" });
  }

  /** Opens the page and waits until an image is attached. */
  static async open(page: Page, image = "welcome.qcow2"): Promise<Zonescope> {
    await page.goto("/");
    const zonescope = new Zonescope(page);
    await expect(zonescope.image).toHaveText(image);
    return zonescope;
  }

  /** Types a line at the prompt. */
  async type(line: string): Promise<void> {
    await this.command.fill(line);
    await this.command.press("Enter");
  }

  /** The table's row of a zone. */
  row(zone: number): Locator {
    return this.table.locator(`[role=row][aria-rowindex="${zone + 2}"]`);
  }

  /** A button of the zone panel. */
  button(name: string): Locator {
    return this.zone.getByRole("button", { name, exact: true });
  }

  async expectCondition(zone: number, condition: string): Promise<void> {
    await expect(this.row(zone)).toContainText(condition);
  }

  /** Attaches another image of the library. */
  async switchTo(image: string): Promise<void> {
    await this.image.click();
    await this.page.getByRole("option", { name: image, exact: false }).first().click();
    await expect(this.image).toHaveText(image);
  }

  /** Chooses an item of the image's menu. */
  async menu(item: string): Promise<void> {
    await this.page.getByRole("button", { name: "Image menu" }).click();
    await this.page.getByRole("menuitem", { name: item }).click();
  }

  /** Opens a file of this machine with the button. */
  async openFile(path: string | { name: string; mimeType: string; buffer: Buffer }): Promise<void> {
    const chooser = this.page.waitForEvent("filechooser");
    await this.page.getByRole("button", { name: "Open file" }).click();
    await (await chooser).setFiles(path);
  }

  /** Saves the attached image to a path. */
  async save(path: string): Promise<string> {
    const download = this.page.waitForEvent("download");
    await this.page.getByRole("button", { name: "Save .qcow2" }).click();
    const file = await download;
    await file.saveAs(path);
    return file.suggestedFilename();
  }
}
