/**
 * A real Chromium per test, with a fresh profile folder that outlives the browser: it can be closed and started again, or
 * killed as a crash would, and what OPFS kept is looked at afterwards.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test as base, chromium } from "@playwright/test";
import type { BrowserContext, Page } from "@playwright/test";

export { expect } from "@playwright/test";

/** The browser to test in: $CHROMIUM, or the first that the system has. Throws with what to install. */
export function findChromium(): string {
  const named = process.env["CHROMIUM"];
  if (named !== undefined && named !== "") return named;
  if (existsSync("/usr/bin/chromium")) return "/usr/bin/chromium";
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    try {
      return execFileSync("which", [name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    } catch {
      // Not under this name.
    }
  }
  throw new Error("no Chromium found: install one (Debian: apt-get install chromium) or name it in the environment variable CHROMIUM");
}

const launchArguments = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** One profile folder and the browser that runs on it. */
export class Browser {
  readonly profile = mkdtempSync(join(tmpdir(), "zonescope-e2e-"));
  private readonly baseURL: string | undefined;
  private current: BrowserContext | null = null;

  constructor(baseURL: string | undefined) {
    this.baseURL = baseURL;
  }

  get context(): BrowserContext {
    if (this.current === null) throw new Error("the browser does not run");
    return this.current;
  }

  /** Starts the browser on the profile as it is; a page is open. */
  async launch(): Promise<Page> {
    this.current = await chromium.launchPersistentContext(this.profile, {
      executablePath: findChromium(),
      args: launchArguments,
      headless: true,
      acceptDownloads: true,
      viewport: { width: 1440, height: 900 },
      ...(this.baseURL === undefined ? {} : { baseURL: this.baseURL }),
    });
    return this.current.pages()[0] ?? (await this.current.newPage());
  }

  /** Ends the browser in good order. */
  async close(): Promise<void> {
    await this.current?.close();
    this.current = null;
  }

  async relaunch(): Promise<Page> {
    await this.close();
    return this.launch();
  }

  /** Ends every process of the browser at once (SIGKILL), as a crash does: nothing is flushed that was not. */
  async kill(): Promise<void> {
    const gone = new Promise((resolve) => this.context.once("close", resolve));
    const processes = this.processes();
    if (processes.length === 0) throw new Error("found no process of the browser to kill");
    for (const id of processes) {
      try {
        process.kill(id, "SIGKILL");
      } catch {
        // It went with its parent.
      }
    }
    await gone;
    this.current = null;
  }

  /** Memory of all its processes in bytes, what they share counted once. */
  memoryBytes(): number {
    let kib = 0;
    for (const id of this.processes()) {
      try {
        kib += Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${id}/smaps_rollup`, "utf8"))?.[1] ?? 0);
      } catch {
        // It ended meanwhile.
      }
    }
    return kib * 1024;
  }

  async dispose(): Promise<void> {
    await this.close();
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  /** Ids of the processes that were started on this profile, the browser and its children. */
  private processes(): number[] {
    const parents = new Map<number, number>();
    const found = new Set<number>();
    for (const entry of readdirSync("/proc")) {
      if (!/^\d+$/.test(entry)) continue;
      try {
        const id = Number(entry);
        // The fourth field of stat, behind the command's closing parenthesis: the parent.
        const status = readFileSync(`/proc/${entry}/stat`, "utf8");
        parents.set(id, Number(status.slice(status.lastIndexOf(")") + 2).split(" ")[1]));
        if (readFileSync(`/proc/${entry}/cmdline`, "utf8").split("\0").includes(`--user-data-dir=${this.profile}`)) found.add(id);
      } catch {
        // It ended meanwhile.
      }
    }
    for (let before = -1; before !== found.size; ) {
      before = found.size;
      for (const [id, parent] of parents) if (found.has(parent)) found.add(id);
    }
    return [...found];
  }
}

/** `browser` runs when the test begins, `page` is its first page; both go, with the profile, when it ends. */
export const test = base.extend<{ zonescope: Browser; page: Page; context: BrowserContext }>({
  zonescope: async ({ baseURL }, use) => {
    const browser = new Browser(baseURL);
    await browser.launch();
    await use(browser);
    await browser.dispose();
  },
  /** Whatever a test does, the page keeps to its policy: nothing is asked of the browser that it has to refuse. */
  context: async ({ zonescope }, use) => {
    const refused: string[] = [];
    zonescope.context.on("console", (message) => {
      if (/Content Security Policy|TrustedScript|TrustedHTML/.test(message.text())) refused.push(message.text());
    });
    await use(zonescope.context);
    expect(refused).toEqual([]);
  },
  page: async ({ context }, use) => {
    await use(context.pages()[0] ?? (await context.newPage()));
  },
});
