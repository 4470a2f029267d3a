/** `npm run docs`: makes docs/api, the pages of what the package exports, from the docstrings. With a folder named, makes them there. */
import { root, runTool } from "./run.mjs";

const out = process.argv[2] ?? `${root}/docs/api`;
if (!runTool("typedoc/bin/typedoc", ["--out", out, "--logLevel", "Warn"])) process.exitCode = 1;
