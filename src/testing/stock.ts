/**
 * Stock qemu-img and qemu-io as oracles, and a scratch folder for their files. A missing tool fails the test that asks; it never
 * skips.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A stock program that takes longer has fallen into a loop without end; the slowest sound one takes seconds. */
const MOST_MS = 120_000;

/** Runs a stock program to its end, in `folder` when one is named. @throws when it is not installed */
export function runStock(program: string, args: readonly string[], input = "", folder?: string): Ran {
  const ran = spawnSync(program, args, { cwd: folder, input, encoding: "utf8", maxBuffer: 64 * 2 ** 20, timeout: MOST_MS, killSignal: "SIGKILL" });
  // A program that ends before it has read its input breaks the pipe, and has said what it had to say.
  if (ran.error !== undefined && !["EPIPE", "ETIMEDOUT"].includes((ran.error as NodeJS.ErrnoException).code ?? "")) {
    throw new Error(`${program} is needed by this test and did not run: ${ran.error.message}`);
  }
  return { status: ran.status ?? -1, stdout: ran.stdout, stderr: ran.stderr };
}

/** A folder that is removed when `act` ends. */
export async function inScratchFolder<Value>(act: (folder: string) => Promise<Value> | Value): Promise<Value> {
  const folder = mkdtempSync(join(tmpdir(), "zonescope-"));
  try {
    return await act(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface StockCheck {
  /** qemu-img check's exit status: 0 clean, 2 corrupt, 3 leaks only. */
  readonly status: number;
  readonly corruptions: number;
  readonly leaks: number;
  readonly checkErrors: number;
}

/** What stock qemu-img check says of an image. */
export function stockCheck(image: string): StockCheck {
  const { status, stdout } = runStock("qemu-img", ["check", "-f", "qcow2", "--output=json", image]);
  const report = JSON.parse(stdout) as Record<string, number>;
  return { status, corruptions: report["corruptions"] ?? 0, leaks: report["leaks"] ?? 0, checkErrors: report["check-errors"] ?? 0 };
}

/** The whole guest disk as stock qemu-img converts it to raw. */
export function stockRaw(image: string, raw: string): void {
  execFileSync("qemu-img", ["convert", "-f", "qcow2", "-O", "raw", image, raw]);
}
