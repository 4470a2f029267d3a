/**
 * What a browser with Trusted Types lets become a script or markup. The page's policy names two makers of such values, and both are
 * here: one of addresses of scripts, which lets through what lies beside the page and nothing else; and the browser's own last
 * resort, which lets text without a tag through, for a library sets the rules of a style element that way.
 *
 * Source: W3C, Trusted Types; scripts/policy.mjs.
 */

interface Rules {
  readonly createScriptURL?: (address: string) => string;
  /** null refuses. */
  readonly createHTML?: (text: string) => string | null;
}

/** What is there of Trusted Types where a browser has them; TypeScript's library does not know them yet. */
interface TypesFactory {
  createPolicy(name: string, rules: Rules): { createScriptURL(address: string): unknown };
}

const POLICY = "zonescope";

/** Throws for an address of another origin. */
function ownOnly(address: string): string {
  const url = new URL(address, location.href);
  if (url.origin !== location.origin) throw new TypeError(`${url.href} is no script of this program`);
  return url.href;
}

const factory = (globalThis as { trustedTypes?: TypesFactory }).trustedTypes;
factory?.createPolicy("default", { createHTML: (text) => (text.includes("<") ? null : text) });
const maker = factory?.createPolicy(POLICY, { createScriptURL: ownOnly });

/**
 * @param address of a script, absolute or beside the page
 * @returns for `new Worker` and `serviceWorker.register`; a string to TypeScript, which takes no other type there
 */
export const scriptAddress = (address: string): string => (maker === undefined ? ownOnly(address) : (maker.createScriptURL(address) as string));
