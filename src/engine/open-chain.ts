/**
 * The one place that opens several files for one image: its own, its data file, its backing file, and what that stands on. Every
 * store is opened here, asynchronously, before any image is built over it; nothing is written, and a chain that cannot be opened
 * whole leaves nothing open.
 *
 * A name in a header is resolved beside the image that has it; where a header gives a backing file's format that is believed, and
 * the magic is looked for only where it gives none: the first bytes of a raw disk are its guest's, who could otherwise make it name
 * any file. Source: qcow2 specification, "Header" and "Header extensions"; the words of refusals are made in src/command.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { SECTOR_SIZE } from "../base/units.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import type { OpenMode } from "../bytes/file-space.ts";
import { NullStore } from "../bytes/null-store.ts";
import { UnsafeStore } from "../bytes/unsafe-store.ts";
import { ADOPTED_PREFIX, FILE_PREFIX, behindPrefix, isPath } from "../protocol/index.ts";
import type { ChainProblem, DebugNode, Failure, ImageSource } from "../protocol/index.ts";
import { ZSTD, loadZstdDecoder } from "../qcow2/codecs.ts";
import { AUTOCLEAR_RAW_EXTERNAL, INCOMPATIBLE_EXTERNAL_DATA, hasBit } from "../qcow2/features.ts";
import type { Header } from "../qcow2/header.ts";
import { backingFormatOf, dataFileOf } from "../qcow2/header-names.ts";
import { readHeader } from "../qcow2/open.ts";
import { checkL1, findSnapshot } from "../qcow2/snapshots.ts";
import { readSnapshotTable, snapshotEntries } from "../qcow2/snapshot-reader.ts";
import type { Snapshot } from "../qcow2/snapshots.ts";
import { tellsOfZones } from "../zoned/dialect.ts";
import { atBorder, failureOf } from "./border.ts";
import { DiskStore } from "./disk-store.ts";
import { runToEnd } from "./jobs.ts";
import { mendOnOpen } from "./mend-on-open.ts";
import { formatOf, openDevice } from "./open-device.ts";
import type { Format, OpenedFiles } from "./open-device.ts";

/** Where files are opened by name. */
export interface FilePlace {
  open(file: string, mode: OpenMode): Promise<Result<ByteStore, Failure>>;
  /** What a name means that stands in the file `image`. */
  beside(image: string, name: string): string;
  /** One string for all names of one file. */
  identity(file: string): string;
}

export interface ChainWish {
  /** The top image and its data file are to be written. */
  readonly write: boolean;
  /** Only the image's own file: no backing file and no data file are opened. */
  readonly inspect: boolean;
  /** To be checked, with all it stands on: what a check deals with is not refused. */
  readonly forCheck?: boolean;
  /** One backing file is to be written too: null the first one, or the one of that name. Absent: none. */
  readonly commitTo?: string | null;
}

/** Each image of a chain holds a file and caches; a longer chain is a mistake or a trap. */
export const MAX_CHAIN = 200;

/** Opens a source with all it stands on. The caller closes with closeFiles. */
export async function openChain(place: FilePlace, source: ImageSource, wish: ChainWish): Promise<Result<OpenedFiles, Failure>> {
  return await openLink(place, source, wish, []);
}

/** Closes every store of a chain, the top first. Flushes nothing but a disk below that is the file of an image. @throws Fault where that fails, all closed */
export function closeFiles(files: OpenedFiles): void {
  try {
    files.store.close();
  } finally {
    files.data?.store.close();
    if (files.backing !== null) closeFiles(files.backing);
  }
}

/** The same files, those that are written no longer flushed to the platform. */
export const unsafeFiles = (files: OpenedFiles): OpenedFiles => ({
  ...files,
  store: new UnsafeStore(files.store),
  data: files.data && { ...files.data, store: new UnsafeStore(files.data.store) },
});

/** The names of all files of a chain, the top first. */
export function filesOf(files: OpenedFiles): [string, ...string[]] {
  return [files.file, ...(files.under ?? []), ...(files.data === null ? [] : [files.data.file]), ...(files.backing === null ? [] : filesOf(files.backing))];
}

/** @param above identities of the files that were opened on the way here */
async function openLink(place: FilePlace, source: ImageSource, wish: ChainWish, above: readonly string[]): Promise<Result<OpenedFiles, Failure>> {
  const { file, nullBytes } = source;
  // What is no file is none that is met again.
  const here = nullBytes === undefined ? [...above, place.identity(file)] : above;
  if (nullBytes === undefined && above.includes(place.identity(file))) return err({ kind: "chain", code: "cycle", file });
  if (above.length >= MAX_CHAIN) return err({ kind: "chain", code: "too-deep", file, limit: MAX_CHAIN });
  const opened = source.inside === undefined ? await openSource(place, source, wish.write) : await openDisk(place, source.inside, wish.write, above);
  if (!opened.ok) return opened;
  const store = opened.value;
  // A part of the program that is loaded on the way may not come.
  const built = await openBelow(place, source, wish, store, here).catch((error: unknown): Result<OpenedFiles, Failure> => err(failureOf(error)));
  if (!built.ok) store.close();
  return built;
}

/** The disk of an image as the file under another. */
async function openDisk(place: FilePlace, source: ImageSource, write: boolean, above: readonly string[]): Promise<Result<ByteStore, Failure>> {
  const opened = await openLink(place, source, { write, inspect: false }, above);
  if (!opened.ok) return opened;
  const files = opened.value;
  const made = atBorder(() => diskOf(files, write));
  if (!made.ok) closeFiles(files);
  return made;
}

function diskOf(files: OpenedFiles, write: boolean): Result<ByteStore, Failure> {
  const mended = write ? runToEnd(mendOnOpen(files)) : ok(null);
  if (!mended.ok) return mended;
  // Nobody watches it, so that the time of what changes is asked by nobody.
  const { device, readOnlyReason } = openDevice(files.store, files.format, write, () => 0, undefined, files);
  // Whoever writes a disk with zones goes by their rules, and an image does not.
  if (device.zones !== null) return err({ kind: "unsupported", feature: "an image inside the disk of a zoned image" });
  if (write && readOnlyReason !== null) return err({ kind: "usage", code: "read-only", detail: readOnlyReason });
  return ok(new DiskStore(filesOf(files), files, device.disk, () => closeFiles(files)));
}

async function openSource(place: FilePlace, { file, nullBytes, debug }: ImageSource, write: boolean): Promise<Result<ByteStore, Failure>> {
  if (nullBytes !== undefined) return ok(new NullStore(file, nullBytes, !write));
  const opened = await place.open(file, write ? "write" : "read");
  if (!opened.ok || debug === undefined) return opened;
  const loaded = await import("./debug-node.ts").then(ok, (error: unknown) => err(failureOf(error)));
  if (loaded.ok) return await loaded.value.underRules(place, opened.value, file, debug);
  opened.value.close();
  return loaded;
}

/** What puts the rules of a node blkdebug over the disk; undefined without one. */
async function overDisk(place: FilePlace, { file, above }: ImageSource): Promise<Result<OpenedFiles["over"], Failure>> {
  return above === undefined ? ok(undefined) : await (await import("./debug-node.ts")).overDevices(place, file, above);
}

async function openBelow(place: FilePlace, source: ImageSource, wish: ChainWish, store: ByteStore, here: readonly string[]): Promise<Result<OpenedFiles, Failure>> {
  const looked = atBorder(() => {
    const format: Format = source.format ?? formatOf(store);
    const header = format === "qcow2" ? readHeader(store, wish.forCheck === true ? "check" : "read") : null;
    return ok({ format, header });
  });
  if (!looked.ok) return looked;
  const { format, header } = looked.value;
  if (header?.compressionType === ZSTD) await loadZstdDecoder();
  const viewed = atBorder(() => viewedSnapshot(store, header, source));
  if (!viewed.ok) return viewed;
  const over = await overDisk(place, source);
  if (!over.ok) return over;
  const own = { over: over.value, file: source.file, store, under: store instanceof DiskStore ? store.files : undefined, format, part: partOf(source), snapshot: viewed.value, inspect: wish.inspect, forCheck: wish.forCheck, lazyRefcounts: source.lazyRefcounts, keepsPlaces: source.keepsPlaces, strictSnapshots: source.strictSnapshots, compresses: source.compresses };
  if (header === null) {
    const bad = own.part === null ? null : badPart(source.file, own.part, store.size());
    return bad === null ? ok({ ...own, backingName: null, data: null, backing: null }) : err(bad);
  }
  const listed = wish.forCheck === true ? ok(null) : atBorder(() => ok(refuseSnapshotTable(store, header)));
  if (!listed.ok) return listed;
  const unfit = refuseOptions(source, header);
  if (unfit !== null) return err(unfit);
  const named = await backingSource(place, source, header);
  // What is only looked at need not have a name that leads anywhere.
  if (!named.ok && !wish.inspect) return named;
  const backingName = header.backingFile === null || header.backingFile === "" ? null : fullName(place, source.file, header.backingFile);
  const refused = refuseCombination(source, header);
  if (refused !== null) return err(refused);
  if (wish.inspect) {
    const unused = unusedBacking(source);
    return unused === null ? ok({ ...own, backingName, data: null, backing: null }) : err(unused);
  }
  const data = await openDataFile(place, source, header, wish, here);
  if (!data.ok) return data;
  const below = named.ok ? named.value : null;
  if (below === null) return ok({ ...own, backingName, data: data.value, backing: null });
  const backing = await openLink(place, below, wishBelow(place, wish, below, source.file), data.value === null ? here : [...here, place.identity(data.value.file)]);
  if (backing.ok) return ok({ ...own, backingName, data: data.value, backing: backing.value });
  data.value?.store.close();
  return err(isLoop(backing.error) ? backing.error : { kind: "chain", code: "backing-failed", file: below.file, cause: backing.error });
}

/** The snapshot that is looked at in place of the active disk; null for the disk itself. */
function viewedSnapshot(store: ByteStore, header: Header | null, { snapshot: query }: ImageSource): Result<Snapshot | null, Failure> {
  if (query === undefined) return ok(null);
  const asked = typeof query === "string" ? query : (query.name ?? query.id ?? "");
  if (header === null) return err({ kind: "snapshot", code: "format-without", snapshot: asked });
  const { snapshots } = readSnapshotTable(store, header);
  const snapshot = snapshots[findSnapshot(snapshots, query)];
  if (snapshot === undefined) return err({ kind: "snapshot", code: "not-found", snapshot: asked });
  const checked = checkL1(store, header, snapshot);
  return checked.ok ? ok(snapshot) : checked;
}

/** A snapshot table beyond the limits keeps an image from being opened. @throws Fault for one */
function refuseSnapshotTable(store: ByteStore, header: Header): null {
  for (const entry of snapshotEntries(store, header, false)) void entry;
  return null;
}

/** Of a backing file: to be written where it is the one that a commit goes to. @param above the image that it stands under */
function wishBelow(place: FilePlace, { commitTo, forCheck }: ChainWish, below: ImageSource, above: string): ChainWish {
  if (commitTo === undefined) return { write: false, inspect: false, ...(forCheck === true ? { forCheck } : {}) };
  const here = commitTo === null || isNamed(place, below.file, commitTo, above);
  return here ? { write: true, inspect: false } : { write: false, inspect: false, commitTo };
}

/** Whether `name`, as it would stand in the image above, is that file: how QEMU finds a file in a chain. */
const isNamed = (place: FilePlace, file: string, name: string, above: string): boolean => place.identity(place.beside(above, name)) === place.identity(file);

/** How deep in the chain the first backing file lies that fits; null where none does. */
function depthWhere(files: OpenedFiles, fits: (file: string, above: string) => boolean): number | null {
  let depth = 1;
  for (let at = files; at.backing !== null; at = at.backing) {
    if (fits(at.backing.file, at.file)) return depth;
    depth++;
  }
  return null;
}

/** How deep the file lies that a commit goes to, null the first backing file. */
export const depthOfName = (place: FilePlace, files: OpenedFiles, name: string | null): number | null =>
  depthWhere(files, (file, above) => name === null || isNamed(place, file, name, above));

/** How deep a file lies, under whatever name. */
export const depthOfFile = (place: FilePlace, files: OpenedFiles, wanted: string): number | null => depthWhere(files, (file) => place.identity(file) === place.identity(wanted));

/** A loop is a property of the whole chain, told once and not by every image above. */
const isLoop = (failure: Failure): boolean => failure.kind === "chain" && (failure.code === "cycle" || failure.code === "too-deep");

/** The backing file that is to be opened, the source's word before the header's; null where none is. */
async function backingSource(place: FilePlace, source: ImageSource, header: Header): Promise<Result<ImageSource | null, Failure>> {
  if (source.backing === null) return ok(null);
  // A name of no letters is none.
  const name = header.backingFile === "" ? null : header.backingFile;
  // A format of what is not there is nobody's.
  if (name === null && source.backing === undefined && source.backingChanges === undefined) return ok(null);
  const changes = source.backingChanges ?? { format: null };
  const format = changes.format === null ? formatNamed(name ?? "", backingFormatOf(header)) : ok(changes.format);
  if (!format.ok) return format;
  if (source.backing !== undefined) return ok({ ...source.backing, format: source.backing.format ?? format.value });
  if (name === null) return err({ kind: "chain", code: "backing-failed", file: source.file, cause: { kind: "chain", code: "name", file: source.file, problem: { code: "no-file" } } });
  const resolved = await resolveName(place, source.file, name, format.value);
  if (!resolved.ok) return err({ kind: "chain", code: "backing-failed", file: name, cause: resolved.error });
  return ok({ ...resolved.value, ...changes, format: changes.format ?? resolved.value.format });
}

/** A header's name as it is told: resolved where it is a path, to the letter where it is anything else. */
const fullName = (place: FilePlace, image: string, name: string): string => (isPath(name, ADOPTED_PREFIX) ? place.beside(image, name) : name);

const FILE_FORMATS = ["file", "host_device"];

function formatNamed(file: string, name: string | null): Result<Format | null, Failure> {
  if (name === null || name === "") return ok(null);
  if (name === "qcow2" || name === "raw") return ok(name);
  if (FILE_FORMATS.includes(name)) return ok("raw");
  const problem: ChainProblem = { kind: "chain", code: "name", file, problem: { code: "unknown-driver", driver: name } };
  return err({ kind: "chain", code: "backing-failed", file, cause: problem });
}

/** The source whose name stands in the header of `image`; whatever else it says stays. */
export async function sourceBeside(place: FilePlace, image: string, source: ImageSource): Promise<Result<ImageSource, Failure>> {
  const resolved = await resolveName(place, image, source.file, source.format);
  return resolved.ok ? ok({ ...source, ...resolved.value }) : resolved;
}

async function resolveName(place: FilePlace, image: string, name: string, format: Format | null): Promise<Result<ImageSource, Failure>> {
  if (isPath(name, ADOPTED_PREFIX)) return ok({ file: place.beside(image, name), format });
  // Names that are more than a path are seldom met, and what reads them is loaded with the first.
  const loaded = await import("../protocol/source-names.ts").then(ok, (error: unknown) => err(failureOf(error)));
  if (!loaded.ok) return loaded;
  const parsed = loaded.value.parseImageName(name, ADOPTED_PREFIX);
  if (!parsed.ok) return err({ kind: "chain", code: "name", file: name, problem: parsed.error });
  if (parsed.value.kind === "path") return ok({ file: place.beside(image, parsed.value.path), format });
  const { source } = parsed.value.parsed;
  const inside = nodesOf(source).find((node) => node.inside !== undefined)?.inside;
  if (inside !== undefined) return err({ kind: "chain", code: "name", file: name, problem: { code: "unknown-driver", driver: inside.format ?? "qcow2" } });
  const found = image.startsWith(ADOPTED_PREFIX) ? besideAdopted(place, image, source) : source;
  return ok({ ...found, format: source.format ?? format });
}

/** What a source says but the name of its file. */
type Node = Omit<ImageSource, "file">;

/** A node and all that its words name below it. */
function nodesOf(node: Node): Node[] {
  const below = [node.backing, node.backingChanges, node.dataFile].filter((named) => named !== undefined && named !== null);
  return [node, ...below.flatMap(nodesOf)];
}

/** A file of the person's machine leads only to what was dropped beside it, whatever words the name is wrapped in and however deep. */
function besideAdopted(place: FilePlace, image: string, source: ImageSource): ImageSource {
  const file = source.nullBytes === undefined ? place.beside(image, source.file) : source.file;
  return { ...belowAdopted(place, image, source), file };
}

const rulesBeside = (place: FilePlace, image: string, node: DebugNode): DebugNode => ({ ...node, config: node.config && place.beside(image, node.config) });

/** As besideAdopted, for what the words name below. */
function belowAdopted<Given extends Node>(place: FilePlace, image: string, node: Given): Given {
  const { backing, backingChanges, dataFile, debug, above } = node;
  return {
    ...node,
    ...(debug === undefined ? {} : { debug: rulesBeside(place, image, debug) }),
    ...(above === undefined ? {} : { above: rulesBeside(place, image, above) }),
    ...(backing === undefined ? {} : { backing: backing && besideAdopted(place, image, backing) }),
    ...(backingChanges === undefined ? {} : { backingChanges: belowAdopted(place, image, backingChanges) }),
    ...(dataFile === undefined ? {} : { dataFile: besideAdopted(place, image, dataFile) }),
  };
}

/** Options that do not fit to what the header says. */
function refuseOptions({ file, lazyRefcounts, keepsPlaces, l2CacheEntryBytes: entry, refcountCacheBytes }: ImageSource, { version, clusterSize }: Header): ChainProblem | null {
  if (entry !== undefined && (entry < SECTOR_SIZE || entry > clusterSize || !Number.isInteger(Math.log2(entry)))) return { kind: "chain", code: "l2-cache-entry", file, clusterSize };
  if (refcountCacheBytes !== undefined && refcountCacheBytes / clusterSize >= 2 ** 31) return { kind: "chain", code: "refcount-cache", file };
  if (version < 3 && keepsPlaces === true) return { kind: "chain", code: "no-unref-in-version-2", file };
  return version < 3 && lazyRefcounts === true ? { kind: "chain", code: "lazy-in-version-2", file } : null;
}

/** Options about a backing file where none is opened: QEMU's format leaves them over, and says so. */
function unusedBacking({ file, backing, backingChanges }: ImageSource): ChainProblem | null {
  const about = backing ?? backingChanges;
  if (about === undefined) return null;
  const option = about.format !== null || backing === undefined ? "backing.driver" : "backing.file.filename";
  return { kind: "chain", code: "name", file, problem: { code: "unknown-option", level: "format", driver: "qcow2", option } };
}

/** Zoned images have their data in themselves: a pointer says nothing of what lies elsewhere. */
function refuseCombination(source: ImageSource, header: Header): Failure | null {
  if (!tellsOfZones(header.extensions)) return null;
  const named = header.backingFile !== null || (source.backing !== undefined && source.backing !== null);
  if (named) return { kind: "unsupported", feature: "a backing file of a zoned image" };
  return hasBit(header.incompatible, INCOMPATIBLE_EXTERNAL_DATA) ? { kind: "unsupported", feature: "an external data file of a zoned image" } : null;
}

/** The external data file, or null for an image that keeps its data itself. */
async function openDataFile(place: FilePlace, source: ImageSource, header: Header, wish: ChainWish, here: readonly string[]): Promise<Result<OpenedFiles["data"], Failure>> {
  const problem = (code: "data-file-required" | "data-file-refused" | "data-file-raw"): Result<never, Failure> => err({ kind: "chain", code, file: source.file });
  if (!hasBit(header.incompatible, INCOMPATIBLE_EXTERNAL_DATA)) {
    if (source.dataFile !== undefined) return await refuseDataFile(place, source.dataFile.file, source.file);
    return hasBit(header.autoclear, AUTOCLEAR_RAW_EXTERNAL) ? problem("data-file-raw") : ok(null);
  }
  const name = dataFileOf(header);
  if (source.dataFile === undefined && name === null) return problem("data-file-required");
  const file = source.dataFile?.file ?? dataFileName(place, source.file, name ?? "");
  if (here.includes(place.identity(file))) return err({ kind: "chain", code: "cycle", file });
  const opened = await openSource(place, source.dataFile ?? { file, format: "raw" }, wish.write);
  return opened.ok ? ok({ file, store: opened.value }) : err({ kind: "chain", code: "data-file-failed", file, cause: opened.error });
}

/** Of an image that keeps its data itself: whether the file is there is told first, as QEMU does. */
async function refuseDataFile(place: FilePlace, file: string, image: string): Promise<Result<never, Failure>> {
  const opened = await place.open(file, "read");
  if (!opened.ok) return err({ kind: "chain", code: "data-file-failed", file, cause: opened.error });
  opened.value.close();
  return err({ kind: "chain", code: "data-file-refused", file: image });
}

/**
 * Unlike a backing file's, QEMU takes a data file's name as it stands, from wherever it is run; a file of the person's machine leads
 * only to what was dropped beside it.
 */
const dataFileName = (place: FilePlace, image: string, name: string): string => (image.startsWith(ADOPTED_PREFIX) ? place.beside(image, name) : name);

/** The path of a data file that is to be made, whose name may say by a prefix that it is a file's; the header gets the path. */
export function dataFilePath(name: string): string {
  return name.startsWith(FILE_PREFIX) ? behindPrefix(name) : name;
}

const partOf = ({ offset, size }: ImageSource): OpenedFiles["part"] => (offset === undefined && size === undefined ? null : { offset: offset ?? 0, size: size ?? null });

/** A part that the file does not have, or one that is no whole number of sectors. */
function badPart(file: string, part: { offset: number; size: number | null }, fileSize: number): ChainProblem | null {
  const fits = part.offset <= fileSize && (part.size === null || (part.size % SECTOR_SIZE === 0 && part.size <= fileSize - part.offset));
  return fits ? null : { kind: "chain", code: "part", file, ...part, fileSize };
}
