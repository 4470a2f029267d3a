import base from "./playwright.config.ts";

/** The same site in Firefox, which `npm run firefox` drives over WebDriver BiDi. */
export default { ...base, testDir: "test/firefox", workers: 1, timeout: 300_000 };
