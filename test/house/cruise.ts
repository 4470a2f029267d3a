/**
 * The house's rules for dependency-cruiser, made of the layer table: an allow-list, so that what is not named is denied, a new
 * folder as well as a new package. "Types of" is `import type` alone.
 */
import { cruise } from "dependency-cruiser";
import type { ICruiseResult, IConfiguration } from "dependency-cruiser";
import type { Layer } from "./layer-table.ts";

/** Packages and platform modules by the folder (or file) that may use them; regular expressions. */
const packagesOf: readonly { readonly from: string; readonly packages: readonly string[] }[] = [
  { from: "^src/qcow2/(codecs|zstd-decoder|zstd-encoder)\\.ts$", packages: ["pako", "fzstd", "@bokuweb/zstd-wasm"] },
  { from: "^src/share/", packages: ["pako"] },
  { from: "^src/guest/machine\\.ts$", packages: ["v86"] },
  { from: "^src/worker/guest\\.ts$", packages: ["v86"] },
  { from: "^src/state/", packages: ["zustand"] },
  { from: "^src/ui/", packages: ["react", "react-dom", "zustand", "radix-ui", "lucide-react", "cmdk", "tinykeys", "uqr", "@xterm/xterm", "@xterm/addon-fit", "@fontsource-variable/ibm-plex-sans", "@fontsource/ibm-plex-mono"] },
];
/** Where Node's own modules may be used. */
const nodeUsers = "^src/(cli/|bytes/node-|package/node)";

export interface Finding {
  readonly rule: string;
  readonly from: string;
  readonly to: string;
}

export interface Cruise {
  readonly files: readonly string[];
  readonly findings: readonly Finding[];
}

type Allowed = NonNullable<IConfiguration["allowed"]>[number];

function allowed(layers: readonly Layer[]): Allowed[] {
  const rules: Allowed[] = [];
  for (const { folder, mayImport, mayImportTypesOf } of layers) {
    const from = { path: `^src/${folder}/` };
    if (mayImport === "anything") {
      rules.push({ from, to: {} });
      continue;
    }
    rules.push({ from, to: { path: `^src/(${[folder, ...mayImport].join("|")})/` } });
    if (mayImportTypesOf.length > 0) {
      rules.push({ from, to: { path: `^src/(${mayImportTypesOf.join("|")})/`, dependencyTypes: ["type-only"] } });
    }
  }
  // The client names a worker's entry by its address, to start it; nothing of it is loaded into the page.
  rules.push({ from: { path: "^src/client/engine-client\\.ts$" }, to: { path: "^src/worker/main\\.ts$" } });
  rules.push({ from: { path: "^src/client/remote-engine\\.ts$" }, to: { path: "^src/worker/remote\\.ts$" } });
  rules.push({ from: { path: "^src/client/guest-machine\\.ts$" }, to: { path: "^src/worker/guest\\.ts$" } });
  for (const { from, packages } of packagesOf) rules.push({ from: { path: from }, to: { path: `^node_modules/(@types/)?(${packages.join("|")})/` } });
  rules.push({ from: { path: nodeUsers }, to: { dependencyTypes: ["core"] } });
  return rules;
}

/** Cruises `src` under `baseDir`; findings are violations of the table, of "only tests import testing", and cycles. */
export async function cruiseHouse(layers: readonly Layer[], baseDir: string): Promise<Cruise> {
  const { output } = await cruise(
    ["src"],
    {
      baseDir,
      validate: true,
      ruleSet: {
        allowed: allowed(layers),
        allowedSeverity: "error",
        forbidden: [
          { name: "testing-is-for-tests", severity: "error", from: { path: "^src/", pathNot: "^src/testing/" }, to: { path: "^src/testing/" } },
          // A cycle closed by `import type` is gone at run time; one of values decides what is undefined when.
          { name: "no-cycles", severity: "error", from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } } },
          { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
        ],
      },
      doNotFollow: { path: "node_modules" },
      tsPreCompilationDeps: "specify",
      combinedDependencies: true,
      enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "types", "default"], extensions: [".ts", ".tsx", ".js", ".css"] },
    },
  );
  if (typeof output === "string") throw new Error(`dependency-cruiser answered in prose: ${output}`);
  return readResult(output);
}

function readResult(result: ICruiseResult): Cruise {
  const files = result.modules.map((module) => module.source).filter((source) => /^src\/.*\.tsx?$/.test(source));
  const findings = result.summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to }));
  return { files: files.sort(), findings };
}
