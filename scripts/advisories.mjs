/** What `npm audit --json` says, taken down to the packages that are shipped (those of licences.mjs). Knows no command and no network. */

/** @typedef {{ package: string, severity: string, range: string, title: string }} Advisory */

/**
 * The advisories that touch a package that is shipped, or null where the registry gave none at all: a refusal, no answer, another
 * shape. A package that is only below one with an advisory has no title of its own, and names whom it has it from.
 * @param {unknown} report what `npm audit --json` printed, parsed
 * @param {readonly string[]} shipped folders in the lock ("node_modules/react")
 * @returns {Advisory[] | null}
 */
export function advisoriesOf(report, shipped) {
  const found = /** @type {{ vulnerabilities?: Record<string, { severity: string, range: string, nodes: string[], via: (string | { title: string })[] }> }} */ (report)?.vulnerabilities;
  if (typeof found !== "object" || found === null) return null;
  const folders = new Set(shipped);
  return Object.entries(found)
    .filter(([, entry]) => entry.nodes.some((node) => folders.has(node)))
    .map(([name, { severity, range, via }]) => ({ package: name, severity, range, title: via.map((cause) => (typeof cause === "string" ? `by way of ${cause}` : cause.title)).join("; ") }));
}
