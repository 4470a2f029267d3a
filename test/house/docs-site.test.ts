/** Every document becomes a page beside the app, and whatever a page leads to is there. */
import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { attachments, documents, pagePath, sitePages, unbuilt } from "../../scripts/docs-site.mjs";
import { headersOf } from "../../scripts/policy.mjs";

const STYLE = "assets/docs-12345678.css";
const pages = sitePages(STYLE);
const hrefs = (html: string): string[] => [...html.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, href = ""]) => href);
const BESIDE = new Set([STYLE, "docs/theme.js", "icon.svg", ".", ...attachments().map((path) => `docs/${path}`)]);

test("there is a page for each document, and an index", () => {
  expect(pages.size).toBe(documents().length);
  expect(pages.get("docs/index.html")).toContain("<h1");
  expect(pagePath("commands/README.md")).toBe("commands/index.html");
});

test("while the app is worked on, its server makes each page, each attachment and the licences as they are asked for", () => {
  for (const path of pages.keys()) expect(unbuilt(`/${path}`)?.body, path).toContain('href="' + "../".repeat(path.split("/").length - 1) + "src/ui/docs.css");
  expect(unbuilt("/docs/")?.body).toBe(unbuilt("/docs/index.html")?.body);
  for (const path of attachments()) expect(JSON.parse(unbuilt(`/docs/${path}`)?.body ?? "")).toBeInstanceOf(Object);
  expect(unbuilt("/licences.txt")?.body).toContain("MIT");
  expect(unbuilt("/docs/theme.js")).toBeNull();
  expect(unbuilt("/docs/never.html")).toBeNull();
});

describe.each([...pages])("%s", (path, html) => {
  test("leads to pages and headings that are there", () => {
    for (const href of hrefs(html).filter((each) => !/^https?:/.test(each))) {
      const [to = "", anchor] = href.split("#");
      const at = to === "" ? path : posix.join(posix.dirname(path), to).replace(/\/$/, "");
      expect(pages.has(at) || BESIDE.has(at), `${href} is ${at}`).toBe(true);
      if (anchor !== undefined && pages.has(at)) expect(pages.get(at), href).toContain(`id="${anchor}"`);
    }
  });
  test("loads nothing from elsewhere and has no script in it", () => {
    const loaded = [...html.matchAll(/<(?:script|link|img|iframe)\b[^>]*>/g)].map(([tag]) => tag);
    expect(loaded.filter((tag) => /(?:src|href)="(?:https?:)?\/\//.test(tag))).toEqual([]);
    expect(html.match(/<script[^>]*>/g)).toEqual([expect.stringContaining("docs/theme.js")]);
    expect(html).not.toMatch(/ on\w+="/);
  });
});

test("a link to what is no document is a name, and no broken link", () => {
  const named = documents().flatMap((path) => [...readFileSync(`docs/${path}`, "utf8").matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = ""]) => ({ path, link })));
  expect(named.length).toBeGreaterThan(50);
  for (const { path, link } of named) {
    const at = posix.normalize(posix.join(posix.dirname(path), link)).replace(/\/$/, "");
    expect([...documents(), ...attachments()].includes(at) || documents().includes(`${at}/README.md`) || at.startsWith(".."), `${path}: ${link}`).toBe(true);
  }
});

test("the documents may do no more than show themselves", () => {
  const policy = headersOf("/docs/commands/index.html")["Content-Security-Policy"] ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self'");
  expect(policy).not.toMatch(/connect-src|unsafe|https?:/);
});
