/**
 * The address of a remote image: `?image=URL` of any page of ours leads to remote.html, the one page that may ask other servers.
 * Source: product.md, "Links".
 */

/** The URL that a page's query asks to open; null for none. */
export const imageOf = (search: string): string | null => new URLSearchParams(search).get("image");

/** Where a page with that query leads, beside the page itself; null where it stays. */
export function remotePageFor(search: string): string | null {
  const image = imageOf(search);
  return image === null ? null : `remote.html?image=${encodeURIComponent(image)}`;
}

/** What a URL says of itself, with nobody asked: the server, and the file's address there. Both are untrusted text. null for no URL of the web. */
export function partsOf(image: string): { readonly host: string; readonly path: string } | null {
  if (!URL.canParse(image)) return null;
  const url = new URL(image);
  return url.protocol === "https:" || url.protocol === "http:" ? { host: url.host, path: `${url.pathname}${url.search}` } : null;
}
