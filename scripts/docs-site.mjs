/**
 * The documents of docs as pages beside the app, dist/docs: markdown made HTML when the app is built, so that they are there without a
 * network, with the app's own type and colours, and without a word of script but for the theme.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { posix } from "node:path";
import MarkdownIt from "markdown-it";
import { licencesFile } from "./licences.mjs";
import { root } from "./run.mjs";

const FOLDER = join(root, "docs");
const STYLE = "src/ui/docs.css";

/** @param {string} ending */
const filesOf = (ending) =>
  readdirSync(FOLDER, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(ending))
    .sort();

/** The markdown files below docs, by their path there. */
export const documents = () => filesOf(".md");

/** Files that documents hand to their readers as they are. */
export const attachments = () => filesOf(".json");

/**
 * Where a document's page lies below docs: README.md is its folder's index.
 * @param {string} path
 */
export const pagePath = (path) => (posix.basename(path) === "README.md" ? posix.join(posix.dirname(path), "index.html") : path.replace(/\.md$/, ".html"));

/**
 * A heading's anchor, as GitHub makes it.
 * @param {string} text
 */
const slug = (text) =>
  text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, "")
    .replaceAll(" ", "-");

/** @param {string} text */
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

/** @param {ReadonlySet<string>} known documents that have a page */
function markdown(known) {
  const md = new MarkdownIt({ html: true });
  /** @type {Map<string, number>} */
  let seen = new Map();
  md.core.ruler.push("anchors", (state) => {
    seen = new Map();
    state.tokens.forEach((token, index) => {
      if (token.type !== "heading_open") return;
      const id = slug((state.tokens[index + 1]?.children ?? []).map(({ content }) => content).join(""));
      const count = seen.get(id) ?? 0;
      seen.set(id, count + 1);
      token.attrSet("id", count === 0 ? id : `${id}-${count}`);
    });
  });
  // A wide table is scrolled by itself, and by keys too.
  md.renderer.rules["table_open"] = () => '<div class="wide" tabindex="0" role="region" aria-label="Table">\n<table>\n';
  md.renderer.rules["table_close"] = () => "</table>\n</div>\n";
  /** @type {(link: string, from: string) => string | null} */
  const target = (link, from) => {
    if (/^[a-z]+:/i.test(link) || link.startsWith("#")) return link;
    const [path = "", anchor] = link.split("#");
    const at = posix.normalize(posix.join(posix.dirname(from), path));
    if (attachments().includes(at)) return link;
    const file = known.has(at) ? at : known.has(`${at.replace(/\/$/, "")}/README.md`) ? `${at.replace(/\/$/, "")}/README.md` : null;
    return file === null ? null : posix.relative(posix.dirname(from), pagePath(file)) + (anchor === undefined ? "" : `#${anchor}`);
  };
  md.renderer.rules["link_open"] = (tokens, index, options, env, self) => {
    const token = tokens[index];
    const href = target(String(token?.attrGet("href") ?? ""), env.from);
    // What has no page here, such as a source file, stays a name.
    if (href === null) token?.attrs?.splice(token.attrIndex("href"), 1);
    else token?.attrSet("href", href);
    return self.renderToken(tokens, index, options);
  };
  return md;
}

/**
 * Every document as a page: its path below the app's folder and its HTML.
 * @param {string} style the built style sheet, below the app's folder
 * @returns {Map<string, string>}
 */
export function sitePages(style) {
  const paths = documents();
  const md = markdown(new Set(paths));
  return new Map(paths.map((path) => [`docs/${pagePath(path)}`, page(path, md, style)]));
}

/**
 * typedoc now and then counts a heading twice where there is one, and leads to "name-1": to "name" then.
 * @param {string} html
 */
function withAnchors(html) {
  const ids = new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
  return html.replaceAll(/href="#([^"]+?)(-\d+)?"/g, (whole, name, count = "") => (ids.has(name + count) || !ids.has(name) ? whole : `href="#${name}"`));
}

/**
 * @param {string} path
 * @param {MarkdownIt} md
 * @param {string} style
 */
function page(path, md, style) {
  const text = readFileSync(join(FOLDER, path), "utf8").replace(/^(<!--.*?-->\n)+/s, "");
  const title = /^# (.+)$/m.exec(text)?.[1] ?? path;
  const up = posix.relative(posix.dirname(`docs/${path}`), ".") + "/";
  const index = path === "README.md" ? "" : `<a href="${up}docs/index.html">Documentation</a>`;
  const folder = posix.dirname(path) === "." || posix.basename(path) === "README.md" ? "" : ` <a href="index.html">${escaped(posix.basename(posix.dirname(path)))}</a>`;
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${escaped(title.replaceAll("`", ""))} – zonescope</title>
    <script src="${up}docs/theme.js"></script>
    <link rel="stylesheet" href="${up}${style}" />
    <link rel="icon" href="${up}icon.svg" type="image/svg+xml" />
  </head>
  <body>
    <header><nav aria-label="Documentation"><a href="${up}">zonescope</a> ${index}${existsIndex(path) ? folder : ""}</nav></header>
    <main>
${withAnchors(md.render(text, { from: path }))}    </main>
  </body>
</html>
`;
}

/** @param {string} path */
const existsIndex = (path) => documents().includes(posix.join(posix.dirname(path), "README.md"));

/**
 * What a path of the app is answered with while the app is worked on and nothing is built: a document's page as it is now, a file that
 * documents hand on, or the licences; null for what is none of these.
 * @param {string} path as the browser asks for it, from the app's folder on
 * @returns {{ type: string, body: string } | null}
 */
export function unbuilt(path) {
  const asked = decodeURIComponent(path).replace(/^\//, "");
  const paths = documents();
  const document = paths.find((each) => `docs/${pagePath(each)}` === (asked.endsWith("/") ? `${asked}index.html` : asked));
  if (document !== undefined) return { type: "text/html; charset=utf-8", body: page(document, markdown(new Set(paths)), STYLE) };
  const attached = attachments().find((name) => asked === `docs/${name}`);
  if (attached !== undefined) return { type: "application/json", body: readFileSync(join(FOLDER, attached), "utf8") };
  return asked === "licences.txt" ? { type: "text/plain; charset=utf-8", body: licencesFile() } : null;
}

/**
 * The plugin that puts the pages beside the app, and the licences of what is in it; a server of the app as it is worked on makes them as
 * they are asked for. Their style sheet is an entry of the build named "docs".
 * @returns {import("vite").Plugin}
 */
export const docsSite = () => ({
  name: "zonescope-docs",
  configureServer(server) {
    server.middlewares.use((request, response, next) => {
      const path = (request.url ?? "/").split(/[?#]/, 1)[0] ?? "/";
      const answer = path.startsWith("/docs/") || path === "/licences.txt" ? unbuilt(path) : null;
      if (answer === null) return next();
      response.setHeader("Content-Type", answer.type);
      response.end(answer.body);
    });
  },
  generateBundle(_, bundle) {
    const style = Object.values(bundle).find((file) => file.type === "asset" && file.originalFileNames.some((name) => relative(STYLE, name) === ""));
    if (style === undefined) throw new Error(`${STYLE} was not built`);
    for (const [fileName, source] of sitePages(style.fileName)) this.emitFile({ type: "asset", fileName, source });
    this.emitFile({ type: "asset", fileName: "licences.txt", source: licencesFile() });
    for (const path of attachments()) this.emitFile({ type: "asset", fileName: `docs/${path}`, source: readFileSync(join(FOLDER, path)) });
  },
});
