/**
 * `npm test`: everything that is checked, from a clean clone: types, lint, builds, the tests in Node, the tests in Chromium.
 * No stage stops the others. The last line counts tests, and each type check, the lint and each build as one.
 */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkBudget } from "./budget.mjs";
import { buildApp, buildCli, buildPackage } from "./build.mjs";
import { install } from "./install.mjs";
import { root, runTool, startTool } from "./run.mjs";
import { ensureTools } from "./tools.mjs";

/** @typedef {{ passed: number, failed: number }} Counts */

const reports = mkdtempSync(join(tmpdir(), "zonescope-test-"));
/** @type {{ name: string, counts: Counts, seconds: number }[]} */
const stages = [];
/** @type {string[]} titles of tests that failed and passed when they were run once more */
const unsteady = [];

/** @param {boolean} passed */
const one = (passed) => ({ passed: passed ? 1 : 0, failed: passed ? 0 : 1 });

/**
 * @param {string} name
 * @param {() => Counts} act
 * @param {number} start since when it is waited for
 */
function stage(name, act, start = performance.now()) {
  console.log(`\n── ${name}`);
  const counts = act();
  const seconds = (performance.now() - start) / 1000;
  stages.push({ name, counts, seconds });
  console.log(`── ${name}: ${counts.failed === 0 ? "passed" : "FAILED"} in ${seconds.toFixed(1)} s`);
  return counts.failed === 0;
}

/**
 * What a runner's report counts. A runner that failed without a failed test (a file that cannot be loaded, no test at all, no
 * report) has one failure nevertheless.
 * @param {string} file
 * @param {boolean} succeeded the runner's own verdict
 * @param {(report: any) => Counts} read
 */
function readReport(file, succeeded, read) {
  /** @type {Counts} */
  let counts = { passed: 0, failed: 0 };
  try {
    if (existsSync(file)) counts = read(JSON.parse(readFileSync(file, "utf8")));
  } catch (thrown) {
    console.error(`zonescope: cannot read the report: ${thrown}`);
  }
  const silentFailure = counts.failed === 0 && (!succeeded || counts.passed === 0);
  return { passed: counts.passed, failed: silentFailure ? 1 : counts.failed };
}

/**
 * @param {any} suite of Playwright's report
 * @returns {string[]}
 */
const flakyOf = ({ file, specs = [], suites = [] }) => [
  ...specs.filter((/** @type {any} */ spec) => spec.tests.some((/** @type {any} */ test) => test.status === "flaky")).map((/** @type {any} */ spec) => `${file}: ${spec.title}`),
  ...suites.flatMap(flakyOf),
];

function unitTests() {
  const file = join(reports, "vitest.json");
  const succeeded = runTool("vitest/vitest.mjs", ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${file}`]);
  return readReport(file, succeeded, (report) => ({ passed: report.numPassedTests, failed: report.numFailedTests }));
}

function browserTests() {
  const file = join(reports, "playwright.json");
  const succeeded = runTool("@playwright/test/cli.js", ["test", "--reporter=list,json"], { PLAYWRIGHT_JSON_OUTPUT_NAME: file });
  return readReport(file, succeeded, ({ suites, stats }) => {
    unsteady.push(...suites.flatMap(flakyOf));
    return { passed: stats.expected + stats.flaky, failed: stats.unexpected };
  });
}

async function main() {
  if (!install() || !ensureTools()) return false;
  // Lint and types take one processor each and as long as one another.
  const linted = join(reports, "lint.txt");
  const linting = startTool("eslint/bin/eslint.js", [".", "--max-warnings", "0"], linted);
  const configs = readdirSync(root).filter((name) => /^tsconfig\.(?!base).+\.json$/.test(name));
  for (const config of configs.sort()) stage(`types: ${config}`, () => one(runTool("typescript/bin/tsc", ["-p", config])));
  if (stage("build: app", () => one(buildApp()))) stage("what a first visit loads", () => one(checkBudget()));
  stage("build: command line", () => one(buildCli()));
  stage("build: package", () => one(buildPackage()));
  const waits = performance.now();
  const clean = await linting;
  stage("lint, beside all of these", () => {
    process.stdout.write(readFileSync(linted, "utf8"));
    return one(clean);
  }, waits);
  stage("tests in Node", unitTests);
  const built = stage("build: app for the browser tests", () => one(runTool("vite/bin/vite.js", ["build", "--mode", "e2e", "--logLevel", "warn"])));
  stage("tests in Chromium", () => {
    if (built) return browserTests();
    console.error("zonescope: not run, for what they would test could not be built");
    return one(false);
  });
  return true;
}

const complete = await main();
rmSync(reports, { recursive: true, force: true });
if (complete) {
  console.log("");
  for (const { name, counts, seconds } of stages) console.log(`${seconds.toFixed(1).padStart(7)} s  ${name}${counts.failed === 0 ? "" : "  FAILED"}`);
  for (const title of unsteady) console.log(`  passed the second time only: ${title}`);
  const sum = (/** @type {keyof Counts} */ key) => stages.reduce((total, { counts }) => total + counts[key], 0);
  console.log(`\n${sum("passed")} passed, ${sum("failed")} failed`);
  process.exitCode = sum("failed") === 0 ? 0 : 1;
} else process.exitCode = 1;
