/**
 * What the program's files may do once a browser has them, as response headers, in one place: `npm start` and the tests in Chromium
 * send them, and a file `_headers` beside the built app hands them to static hosts that read one (Netlify, Cloudflare Pages).
 *
 * A worker obeys the policy of its own response and not its page's, so that its scripts lie in a folder of their own. Rules name
 * files and not "everything": a host that sends two policies for one file has the browser enforce both.
 */

/** @param {Record<string, string>} directives */
const policy = (directives) =>
  Object.entries(directives)
    .map(([name, value]) => `${name} ${value}`.trim())
    .join("; ");

/** What no file of ours needs: nothing is fetched, framed, sent or run that is not named. */
const NOTHING = { "default-src": "'none'", "base-uri": "'none'", "form-action": "'none'" };

/**
 * The page. Styles may stand in the document, for the libraries of dialogs and menus add one while they are open; scripts may not.
 * What becomes a script or markup passes src/client/trusted.ts (Trusted Types), which lets our own files through and no tag. It may be
 * framed anywhere: a link is embedded in slides, and plays in memory of its own.
 */
const PAGE = policy({
  ...NOTHING,
  "script-src": "'self'",
  "style-src": "'self' 'unsafe-inline'",
  "font-src": "'self'",
  "img-src": "'self' blob: data:",
  "connect-src": "'self'",
  "worker-src": "'self'",
  "manifest-src": "'self'",
  "frame-ancestors": "*",
  "require-trusted-types-for": "'script'",
  "trusted-types": "zonescope default",
});

/** The engine's worker: its own scripts, and the encoder of zstd, which is WebAssembly of our own files. It reaches no other host. */
const WORKER = policy({ ...NOTHING, "script-src": "'self' 'wasm-unsafe-eval'", "connect-src": "'self'" });

/** The worker behind remote.html, which has no library: it alone may ask other servers, for the image that the person opened there. */
const REMOTE = policy({ ...NOTHING, "script-src": "'self' 'wasm-unsafe-eval'", "connect-src": "'self' http: https:" });

/**
 * The guest's worker, the emulated machine: its code is compiled while it runs, as WebAssembly, and its clock is a worker that the emulator
 * makes of a text of its own. It fetches our own files, and reaches the engine by a port alone.
 */
const MACHINE = policy({ ...NOTHING, "script-src": "'self' 'wasm-unsafe-eval'", "worker-src": "blob:", "connect-src": "'self'" });

/** The service worker that keeps the program for offline use: it fetches our own files. */
const OFFLINE = policy({ ...NOTHING, "script-src": "'self'", "connect-src": "'self'" });

/** The documents: text and pictures of our own, and the one script that has them wear the theme. */
const DOCUMENT = policy({ ...NOTHING, "script-src": "'self'", "style-src": "'self'", "font-src": "'self'", "img-src": "'self'", "require-trusted-types-for": "'script'" });

const ALWAYS = { "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin" };
const CSP = "Content-Security-Policy";

/**
 * Paths below the app's folder with their headers; a path that ends in * stands for all that begin like it.
 * @type {readonly { path: string, headers: Record<string, string> }[]}
 */
const rules = [
  { path: "/", headers: { [CSP]: PAGE, ...ALWAYS } },
  { path: "/index.html", headers: { [CSP]: PAGE, ...ALWAYS } },
  { path: "/remote.html", headers: { [CSP]: PAGE, ...ALWAYS } },
  { path: "/docs/*", headers: { [CSP]: DOCUMENT, ...ALWAYS } },
  { path: "/remote/*", headers: { [CSP]: REMOTE, "Cache-Control": "public, max-age=31536000, immutable", ...ALWAYS } },
  { path: "/machine/*", headers: { [CSP]: MACHINE, "Cache-Control": "public, max-age=31536000, immutable", ...ALWAYS } },
  { path: "/guest/*", headers: { "Cache-Control": "no-cache", ...ALWAYS } },
  { path: "/worker/*", headers: { [CSP]: WORKER, "Cache-Control": "public, max-age=31536000, immutable", ...ALWAYS } },
  { path: "/assets/*", headers: { "Cache-Control": "public, max-age=31536000, immutable", ...ALWAYS } },
  { path: "/sw.js", headers: { [CSP]: OFFLINE, "Cache-Control": "no-cache", ...ALWAYS } },
];

/**
 * The headers of one file of the app.
 * @param {string} path below the app's folder, with its leading slash and without a query
 * @returns {Record<string, string>}
 */
export function headersOf(path) {
  const rule = rules.find((one) => (one.path.endsWith("*") ? path.startsWith(one.path.slice(0, -1)) : one.path === path));
  return rule?.headers ?? {};
}

/** The rules as a file for static hosts: a path, and below it a header a line, indented. */
export const headersFile = () =>
  rules.map(({ path, headers }) => [path, ...Object.entries(headers).map(([name, value]) => `  ${name}: ${value}`)].join("\n")).join("\n\n") + "\n";
