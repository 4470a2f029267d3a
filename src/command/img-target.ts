/** Making the image that a qemu-img command copies into: its options read as create's, and refusals in QEMU's words. */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { CreateOptions, Preallocation } from "../protocol/index.ts";
import { parseCreateOptions, resolveCreateOptions, resolveRawOptions } from "./create-options.ts";
import type { CreateMistake } from "./create-options.ts";
import { explained } from "./explain.ts";
import { newFileName } from "./image-source.ts";
import { createWords } from "./img-create.ts";
import { imgError } from "./img-words.ts";
import { joinOptionList, splitOptionList } from "./option-list.ts";
import type { OptionPair } from "./option-list.ts";
import { call } from "./program.ts";
import type { Program } from "./program.ts";

/** What is to be made. */
export type NewTarget = { readonly format: "qcow2"; readonly options: CreateOptions } | { readonly format: "raw"; readonly sizeBytes: number; readonly preallocation: Preallocation };

/** Options of -o, in order; the disk's size is the command's, whatever they say of it. */
export function optionPairs(lists: readonly string[]): Result<readonly OptionPair[], { list: string }> {
  const all: OptionPair[] = [];
  for (const list of lists) {
    const pairs = splitOptionList(list);
    if (!pairs.ok) return err({ list });
    all.push(...pairs.value);
  }
  return ok(all);
}

/** Why options were refused: `creating` when their values were only looked at to make the image, where QEMU says so. */
export interface TargetMistake {
  readonly words: CreateMistake;
  readonly creating: boolean;
}

const mistaken = (words: CreateMistake, creating = false): Result<never, TargetMistake> => err({ words, creating });

/** What options come to for a disk of that size. */
export function newTarget(format: "qcow2" | "raw", pairs: readonly OptionPair[], sizeBytes: number): Result<NewTarget, TargetMistake> {
  const others = pairs.filter(({ key }) => key !== "size");
  const given = parseCreateOptions(format, others.length === 0 ? [] : [joinOptionList(others)], sizeBytes);
  if (!given.ok) return mistaken("list" in given.error ? `Invalid option list: ${given.error.list}` : given.error.mistake);
  if (format === "raw") {
    const preallocation = resolveRawOptions(given.value);
    return preallocation.ok ? ok({ format, sizeBytes, preallocation: preallocation.value }) : mistaken(preallocation.error, true);
  }
  const resolved = resolveCreateOptions(given.value);
  return resolved.ok ? ok({ format, options: resolved.value }) : mistaken(resolved.error, true);
}

/** Makes it; false after the failure was printed. @param doing what was being done, e.g. "error while converting qcow2" */
export function* makeTarget(file: string, target: NewTarget, doing: string): Program<boolean> {
  const named = newFileName(file);
  if (!named.ok) {
    yield imgError(named.error);
    return false;
  }
  const made = target.format === "raw" ? yield* call("createRaw", { file: named.value, sizeBytes: target.sizeBytes, preallocation: target.preallocation }) : yield* call("create", { file: named.value, options: target.options });
  if (made.ok) return true;
  const dialect = target.format === "raw" ? null : (target.options.zoned?.dialect ?? null);
  yield imgError(`${file}: ${doing}: ${createWords(file, made.error, dialect)}`);
  yield explained(made.error);
  return false;
}
