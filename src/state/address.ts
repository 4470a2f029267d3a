/**
 * The page's address: what stands behind its #, told anew whenever it changes, and left without going to another page. Knows nothing of
 * what a link does.
 */
import { readLink } from "../share/index.ts";
import type { Link, LinkProblem } from "../share/index.ts";

export type Addressed =
  | { readonly kind: "none" }
  | { readonly kind: "link"; readonly link: Link }
  /** `embed`: it is meant for a frame, where nothing but a link is shown. */
  | { readonly kind: "broken"; readonly problem: LinkProblem; readonly embed: boolean };

export function readAddress(hash: string): Addressed {
  const read = readLink(hash);
  if (!read.ok) return { kind: "broken", problem: read.error, embed: /[#&]embed=1(&|$)/.test(hash) };
  return read.value === null ? { kind: "none" } : { kind: "link", link: read.value };
}

export interface Address {
  /** What stands behind the #, with it; empty without one. */
  hash(): string;
  /** Calls `listener` after each change until the returned function is called. */
  follow(listener: () => void): () => void;
  /** Takes away what stands behind the #. The link stays in the tab's history: "Back" plays it again. */
  leave(): void;
  /** The page's address without what a link adds. */
  base(): string;
}

/** The address of this tab. */
export function windowAddress(): Address {
  let heard = (): void => undefined;
  return {
    hash: () => {
      // location.hash is not the same in all browsers where it has percent signs.
      const { href } = window.location;
      const at = href.indexOf("#");
      return at < 0 ? "" : href.slice(at);
    },
    follow: (listener) => {
      heard = listener;
      window.addEventListener("hashchange", listener);
      return () => {
        heard = () => undefined;
        window.removeEventListener("hashchange", listener);
      };
    },
    leave: () => {
      window.history.pushState(null, "", window.location.pathname + window.location.search);
      heard();
    },
    base: () => window.location.origin + window.location.pathname,
  };
}
