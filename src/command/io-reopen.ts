/**
 * qemu-io's reopen: the open image flushed, closed and opened again with some options changed, as a power cycle does. Options that
 * name files and nodes are refused as QEMU refuses them; those that size caches are taken and have no effect.
 */
import { openFailureWords } from "./explain.ts";
import { imageSource } from "./image-source.ts";
import { USUAL_MODES, withMode } from "./io-modes.ts";
import type { IoModes } from "./io-modes.ts";
import { allOptions, closeDisk, openSource, qemuIoError } from "./io-open.ts";
import { diskOf } from "./io-session.ts";
import type { IoArguments, IoCommand, IoDisk } from "./io-session.ts";
import { splitOptionList } from "./option-list.ts";
import { call, errorOut } from "./program.ts";
import type { Program } from "./program.ts";
import type { DeviceFacts, ImageSource } from "../protocol/index.ts";

const CACHE_OPTIONS = ["cache.direct", "cache.no-flush"];
const CHANGEABLE = [
  ...CACHE_OPTIONS,
  "read-only",
  "auto-read-only",
  "discard",
  "detect-zeroes",
  "lazy-refcounts",
  "pass-discard-request",
  "pass-discard-snapshot",
  "pass-discard-other",
  "discard-no-unref",
  "cache-size",
  "l2-cache-size",
  "l2-cache-entry-size",
  "refcount-cache-size",
  "cache-clean-interval",
];
/** Of a raw file: the part that is the disk. */
const RAW_OPTIONS = ["offset", "size"];
const isChangeable = (key: string, format: string | null): boolean => (format === "raw" && RAW_OPTIONS.includes(key)) || CHANGEABLE.includes(key) || key === "overlap-check" || key.startsWith("overlap-check.");

const CHILD = /^(file|backing|data-file)\./;
/** An option of a node below is that node's own. */
const optionOf = (key: string): string => key.replace(CHILD, "");

/** What a node is called, and its driver, which stay; null for any other option, and for what has none. */
function fixedValue({ facts, nodes }: IoDisk, key: string): string | null {
  const given = nodes?.get(key);
  if (given !== undefined) return given;
  switch (key) {
    case "driver":
      return facts?.image.format ?? null;
    case "file.driver":
    case "data-file.driver":
      return "file";
    case "backing.driver":
      return facts?.image.backingFormat ?? null;
    default:
      return null;
  }
}

interface Reopened {
  readonly source: ImageSource;
  readonly readOnly: boolean;
  readonly modes: IoModes;
}

/** What is to be opened in place of `disk`; a string is QEMU's complaint. */
function reopened(disk: IoDisk, args: IoArguments): Reopened | string {
  let { modes } = disk;
  for (const option of args.given.options) {
    if (option.flag !== "c") continue;
    const next = withMode(modes, { flag: "t", value: option.value });
    if (typeof next === "string") return next;
    modes = next;
  }
  const format = disk.facts?.image.format ?? null;
  const source: ImageSource = { file: disk.file, ...disk.source, format };
  const isReadOnly = disk.facts?.image.readOnly ?? false;
  const readOnly = args.has("r") || (!args.has("w") && isReadOnly);
  const list = allOptions(args);
  if (list === null) return { source, readOnly, modes };
  const pairs = splitOptionList(list);
  if (!pairs.ok) return `Invalid option list: ${list}`;
  const given = new Map(pairs.value.map(({ key, value }) => [key, value]));
  if (given.has("read-only") && (args.has("r") || args.has("w"))) return "Cannot set both -r/-w and 'read-only'";
  if (CACHE_OPTIONS.some((key) => given.has(key)) && args.has("c")) return "Cannot set both -c and the cache options";
  // QEMU looks for a node of that name first, and here nothing has names.
  const below = given.get("backing");
  if (format === "qcow2" && typeof below === "string" && below !== "") return `Cannot find device='' nor node-name='${below}'`;
  for (const [key, value] of given) if (!isChangeable(key, format) && value !== fixedValue(disk, key)) return `Cannot change the option '${optionOf(key)}'`;
  const parsed = imageSource({ word: disk.file, format, options: list });
  if (!parsed.ok) return parsed.error;
  const discard = withMode(modes, { flag: "d", value: given.get("discard") ?? (modes.unmap ? "unmap" : "ignore") });
  if (typeof discard === "string") return "Invalid discard option";
  // This session writes, and an option takes that from nobody, as -r does.
  if (parsed.value.readOnly === true && !isReadOnly) return "Read-only block node '#block100' cannot support read-write users";
  const { lazyRefcounts, keepsPlaces, l2CacheEntryBytes, refcountCacheBytes, offset, size } = parsed.value.source;
  const changed = {
    ...(offset === undefined ? {} : { offset }),
    ...(size === undefined ? {} : { size }),
    ...(lazyRefcounts === undefined ? {} : { lazyRefcounts }),
    ...(keepsPlaces === undefined ? {} : { keepsPlaces }),
    ...(l2CacheEntryBytes === undefined ? {} : { l2CacheEntryBytes }),
    ...(refcountCacheBytes === undefined ? {} : { refcountCacheBytes }),
  };
  return { source: { ...parsed.value.source, ...source, ...changed }, readOnly: parsed.value.readOnly ?? readOnly, modes: discard };
}

export const reopen: IoCommand = {
  name: "reopen",
  alias: null,
  min: 0,
  max: -1,
  shorts: "c:o:rw",
  args: "[(-r|-w)] [-c cache] [-o options]",
  oneline: "reopens an image with new options",
  more: {
    says: "flushes, closes and opens the image again, as a power cycle does",
    example: "reopen -r",
    does: "goes on with the image open for reading",
    options: {
      r: "for reading only",
      w: "for reading and writing",
      c: "cache mode, as open's -t",
      o: "options, as read-only=on, discard=unmap, lazy-refcounts=on",
    },
  },
  needs: "own-session",
  writes: false,
  *run(session, args) {
    const cache = args.value("c");
    const mistake = cache === null ? null : withMode(USUAL_MODES, { flag: "t", value: cache });
    const count = args.given.options.filter(({ flag }) => flag === "r" || flag === "w").length;
    const complaint = typeof mistake === "string" ? mistake : count > 1 ? "Only one -r/-w option may be given" : null;
    if (args.words.length > 0 && complaint === null) return "usage";
    if (complaint === null && session.disk === null) {
      yield errorOut("no file open, try 'help open'\n");
      return "failed";
    }
    const next = complaint ?? reopened(diskOf(session), args);
    if (typeof next === "string") {
      yield qemuIoError(next);
      return "failed";
    }
    const before = diskOf(session);
    const unfit = yield* misfit(next.source);
    if (unfit !== null) {
      yield qemuIoError(unfit);
      return "failed";
    }
    if (before.modes.temporary) {
      // What was written goes with the place that it is in, which a close gives up: the image stays open, under the new options.
      session.disk = { ...before, facts: asReopened(before.facts, next.readOnly), modes: next.modes };
      return "ok";
    }
    if (!(yield* closeDisk(session))) return "failed";
    const { file, source = { file, format: null }, facts, modes, nodes } = before;
    if (yield* openSource(session, next.source, { readOnly: next.readOnly, modes: next.modes, word: file, nodes })) return "ok";
    // As it was; where even that fails, it stays closed, and says why.
    yield* openSource(session, source, { readOnly: facts?.image.readOnly ?? false, modes, word: file, nodes });
    return "failed";
  },
};

/** The facts of an image that stayed open, writable or not from now on. */
const asReopened = (facts: DeviceFacts | null, readOnly: boolean): DeviceFacts | null => facts && { ...facts, image: { ...facts.image, readOnly } };

/** Why options do not fit to the image, seen before it is closed; null where they do, or where nobody can look while it is open. */
function* misfit({ backing: _, backingChanges: __, ...source }: ImageSource): Program<string | null> {
  const looked = yield* call("open", { ...source, readOnly: true, inspect: true });
  if (!looked.ok) return looked.error.kind === "chain" ? openFailureWords(source.file, looked.error) : null;
  yield* call("close", { handle: looked.value.handle });
  return null;
}
