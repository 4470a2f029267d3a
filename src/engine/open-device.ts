/**
 * From a byte store to a device: which format it is, and for qcow2 whether and how it is zoned. Everything that the zoned
 * extension says is checked before it is believed. Source: zoned format, "What a reader must refuse".
 */
import { Fault } from "../base/fault.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { CoalescingStore } from "../bytes/coalescing-store.ts";
import type { DeviceFacts, ImageFacts } from "../protocol/index.ts";
import {
  AUTOCLEAR_RAW_EXTERNAL,
  COMPATIBLE_LAZY_REFCOUNTS,
  INCOMPATIBLE_CORRUPT,
  INCOMPATIBLE_DIRTY,
  INCOMPATIBLE_EXTENDED_L2,
  INCOMPATIBLE_EXTERNAL_DATA,
  hasBit,
} from "../qcow2/features.ts";
import { ENTRY_BYTES } from "../qcow2/entries.ts";
import { entryFormat } from "../qcow2/l2-entries.ts";
import { refuseBrokenBitmaps } from "../qcow2/bitmaps.ts";
import { COMPRESSION_NAMES, looksLikeQcow2 } from "../qcow2/header.ts";
import type { Header } from "../qcow2/header.ts";
import { backingFormatOf, dataFileOf } from "../qcow2/header-names.ts";
import { portableCodecs } from "../qcow2/codecs.ts";
import type { Codecs } from "../qcow2/codecs.ts";
import { Qcow2Image } from "../qcow2/image.ts";
import { readHeader, refuseUnknownFeatures } from "../qcow2/open.ts";
import type { OpenOptions, ReservedArea } from "../qcow2/open.ts";
import type { FlushOrder } from "../qcow2/write-order.ts";
import { headerOfSnapshot } from "../qcow2/snapshots.ts";
import type { Snapshot } from "../qcow2/snapshots.ts";
import { readExactly } from "../bytes/byte-store.ts";
import { bytes, roundUp } from "../base/units.ts";
import { ZONED_EXTENSION_MAGIC, ZONED_FEATURE_BIT, decodeZonedExtension, findZonedExtension } from "../zoned/dialect.ts";
import type { ZonedHeader } from "../zoned/dialect.ts";
import { readPointers } from "../zoned/pointer.ts";
import type { PointerReport } from "../zoned/pointer.ts";
import { belowOf } from "./below.ts";
import { ChangeLog } from "./change-log.ts";
import type { Device } from "./device.ts";
import { FactsDisk } from "./facts-disk.ts";
import { PlainDevice } from "./plain-device.ts";
import { RawDisk } from "./raw-disk.ts";
import { ZonedDevice } from "./zoned-device.ts";

export type Format = "qcow2" | "raw";

/** An image's files, open, and those of what it stands on; open-chain.ts opens them. */
export interface OpenedFiles {
  readonly file: string;
  readonly store: ByteStore;
  readonly format: Format;
  /** Where the store is no file but the disk of another image: the files of that one. */
  readonly under?: readonly string[] | undefined;
  /** Of a raw file: the part that is the disk, in bytes; null for all of it. */
  readonly part: { readonly offset: number; readonly size: number | null } | null;
  /** The internal snapshot that is looked at in place of the active disk. */
  readonly snapshot: Snapshot | null;
  /** In place of what the header says of lazy refcounts. */
  readonly lazyRefcounts?: boolean | undefined;
  /** Whether what is discarded keeps its place in the file. */
  readonly keepsPlaces?: boolean | undefined;
  /** Whether a snapshot without an L1 table that can be keeps the image from being written. */
  readonly strictSnapshots?: boolean | undefined;
  /** Whether ordinary writes of data are stored compressed. */
  readonly compresses?: boolean | undefined;
  /** What stands between the disk and who uses it. */
  readonly over?: ((device: Device) => Device) | undefined;
  /** The order of a flush that the crash lab asks for on a scratch store, whose writes it wants to see one by one. */
  readonly order?: FlushOrder | undefined;
  /** Opened for its facts: data that lies in no file of these is not to be read. */
  readonly inspect: boolean;
  /** Opened to be checked: what a check deals with keeps it from nothing. */
  readonly forCheck?: boolean | undefined;
  /** The backing file that the header names, resolved; null without one. */
  readonly backingName: string | null;
  readonly data: { readonly file: string; readonly store: ByteStore } | null;
  readonly backing: OpenedFiles | null;
  /** Of a backing file: disks of the whole chain. */
  readonly chain?: number | undefined;
}

/** Whether any file of the chain tells where it has holes. */
export const tellsHoles = ({ store, backing }: OpenedFiles): boolean => store.holes !== undefined || (backing !== null && tellsHoles(backing));

/** What a device stands on beside its store. */
export type Foundation = Pick<OpenedFiles, "part" | "snapshot" | "lazyRefcounts" | "keepsPlaces" | "strictSnapshots" | "over" | "order" | "inspect" | "forCheck" | "backingName" | "data" | "backing" | "chain">;

/** Of an image that stands alone. */
export const STANDALONE: Foundation = { part: null, snapshot: null, inspect: false, backingName: null, data: null, backing: null };

export interface OpenedDevice {
  readonly format: Format;
  readonly device: Device;
  /** null for raw. */
  readonly header: Header | null;
  /** What the zoned extension says; null without zones. */
  readonly zoned: ZonedHeader | null;
  /** Why it is read-only although writing was wanted, or null. */
  readonly readOnlyReason: string | null;
  readonly foundation: Foundation;
}

/**
 * Opens the disk in a store.
 * @param format null looks for qcow2's magic and takes anything else as raw
 * @param write whether writing is wanted
 * @param now milliseconds since 1970, for the device's events
 * @param log where the device notes what changes; a reopened device goes on with the one it had
 * @param foundation what the image stands on, its stores open
 * @param codecs how clusters are compressed and read
 * @throws Fault for an image that cannot be opened; the store is left as it was
 */
export function openDevice(...given: Parameters<typeof openBare>): OpenedDevice {
  const opened = openBare(...given);
  const { over } = opened.foundation;
  return over === undefined ? opened : { ...opened, device: over(opened.device) };
}

function openBare(
  store: ByteStore,
  format: Format | null,
  write: boolean,
  now: () => number,
  log = new ChangeLog(now),
  foundation: Foundation = STANDALONE,
  codecs: Codecs = portableCodecs,
): OpenedDevice {
  if ((format ?? formatOf(store)) === "raw") {
    const disk = new RawDisk(store, write, foundation.part);
    return { format: "raw", device: new PlainDevice(disk, log), header: null, zoned: null, readOnlyReason: null, foundation };
  }
  const forCheck = foundation.forCheck === true;
  const header = readHeader(store, forCheck ? "check" : "read");
  refuseBrokenBitmaps(store, header);
  if (foundation.snapshot !== null) return openView(store, header, foundation.snapshot, now, log, foundation, codecs);
  const zoned = readZonedHeader(store, header);
  if (zoned === null) {
    // An extension that says "no zones" was read, and the feature bit that announces it says no more.
    const featureBits = header.extensions.some(({ magic }) => magic === ZONED_EXTENSION_MAGIC) ? [ZONED_FEATURE_BIT] : [];
    if (foundation.inspect && lacksItsData(header)) {
      refuseUnknownFeatures(header, featureBits, true);
      return { format: "qcow2", device: new PlainDevice(new FactsDisk(store, header), log), header, zoned, readOnlyReason: null, foundation };
    }
    const image = new Qcow2Image(written(store, write, foundation), header, { write, forCheck, featureBits, codecs, order: foundation.order, lazyRefcounts: foundation.lazyRefcounts, keepsPlaces: foundation.keepsPlaces, strictSnapshots: foundation.strictSnapshots, ...disksOf(foundation, write, now, codecs) });
    return { format: "qcow2", device: new PlainDevice(image, log), header, zoned, readOnlyReason: image.readOnlyReason, foundation };
  }
  const entries = readExactly(store, zoned.metadataOffset, zoned.metadataSize);
  const report = readPointers(zoned.geometry, new DataView(entries.buffer), zoned.metadataOffset);
  if ("kind" in report) throw new Fault(report);
  const reason = write ? zonedReasonNotToWrite(header, report) : null;
  const image = new Qcow2Image(written(store, write, foundation), header, { write: write && reason === null, forCheck, order: foundation.order, featureBits: [ZONED_FEATURE_BIT], area: areaOf(zoned), codecs });
  const device = new ZonedDevice(image, zoned, report, log);
  return { format: "qcow2", device, header, zoned, readOnlyReason: image.readOnlyReason ?? reason, foundation };
}

/** The disk as a snapshot has it. One of a zoned image has no zones: the write pointers are those of the disk as it is. */
function openView(store: ByteStore, header: Header, snapshot: Snapshot, now: () => number, log: ChangeLog, foundation: Foundation, codecs: Codecs): OpenedDevice {
  const image = new Qcow2Image(store, headerOfSnapshot(header, snapshot), { featureBits: [ZONED_FEATURE_BIT], codecs, ...disksOf(foundation, false, now, codecs) });
  const readOnlyReason = "an internal snapshot is only looked at";
  return { format: "qcow2", device: new PlainDevice(image, log), header, zoned: null, readOnlyReason, foundation };
}

/** The disks that an image stands on. @throws Fault for a backing image that cannot be read */
function disksOf({ data, backing, chain = 1 + depthOf(backing) }: Foundation, write: boolean, now: () => number, codecs: Codecs): Pick<OpenOptions, "data" | "backing" | "chain"> {
  return {
    chain,
    data: data === null ? null : coalesced(data.store, write),
    backing: backing === null ? null : belowOf(openDevice(backing.store, backing.format, false, now, new ChangeLog(now), { ...backing, chain }, codecs).device),
  };
}

const depthOf = (backing: OpenedFiles | null): number => (backing === null ? 0 : 1 + depthOf(backing.backing));

const written = (store: ByteStore, write: boolean, { order }: Foundation): ByteStore => (order === undefined ? coalesced(store, write) : store);

const coalesced = (store: ByteStore, write: boolean): ByteStore => (write && !store.readOnly && store.event === undefined ? new CoalescingStore(store) : store);

/**
 * The image under a zoned device that is read-only only for what amend takes away, version 2 or lazy refcounts, open for that change
 * alone: the header gets another sector, which no rule of zones forbids. null for any other device.
 * @throws Fault as openDevice
 */
export function openToLift(store: ByteStore, { header, zoned, device }: OpenedDevice, codecs: Codecs): Qcow2Image | null {
  if (header === null || zoned === null || !device.disk.readOnly) return null;
  return new Qcow2Image(store, header, { write: true, featureBits: [ZONED_FEATURE_BIT], area: areaOf(zoned), codecs });
}

const areaOf = ({ metadataOffset, metadataSize }: ZonedHeader): ReservedArea => ({ structure: "zoned metadata", offset: metadataOffset, lengthBytes: metadataSize });

/** What zoned images do not do (zone semantics, "Durability") and scars that make every write a guess. */
function zonedReasonNotToWrite(header: Header, report: PointerReport): string | null {
  if (header.version < 3) return "version 2, which a zoned image does not have";
  if (hasBit(header.compatible, COMPATIBLE_LAZY_REFCOUNTS)) return "lazy refcounts, which a zoned image does not have";
  return report.readOnly ? "a write pointer is no multiple of a sector" : null;
}

/** Whether an image's data cannot be read from its own file: it is encrypted, or lies elsewhere. */
const lacksItsData = (header: Header): boolean =>
  header.cryptMethod !== 0 || header.backingFile !== null || hasBit(header.incompatible, INCOMPATIBLE_EXTERNAL_DATA);

/** What a store holds by its first bytes: qcow2's magic, or anything, which is a raw disk. */
export function formatOf(store: ByteStore): Format {
  const start = new Uint8Array(4);
  return looksLikeQcow2(start.subarray(0, store.read(0, start))) ? "qcow2" : "raw";
}

function readZonedHeader(store: ByteStore, header: Header): ZonedHeader | null {
  const found = findZonedExtension(header.extensions);
  if (!found.ok) throw new Fault(found.error);
  const extension = found.value;
  if (extension === null) return null;
  const decoded = decodeZonedExtension(extension.data, {
    hostOffset: extension.hostOffset,
    featureBit: hasBit(header.incompatible, ZONED_FEATURE_BIT),
    deviceSize: header.virtualSize,
    clusterSize: header.clusterSize,
    fileLength: store.size(),
  });
  if (!decoded.ok) throw new Fault(decoded.error);
  return decoded.value;
}

const ENCRYPTIONS = [null, "AES", "LUKS"] as const;

const storeFacts = ({ file, store }: { file: string; store: ByteStore }): ImageFacts["openedDataFile"] => {
  const allocated = store.allocated?.();
  return { file, fileSize: bytes(store.size()), allocatedSize: allocated === undefined ? null : bytes(allocated) };
};

function dataFilesOf(file: string, { data, backing }: Foundation): string[] {
  return [data?.file ?? file, ...(backing === null ? [] : dataFilesOf(backing.file, backing))];
}

/** The facts that the protocol tells of an opened device. @param allocatedBytes what the file takes of its disk, null when unknown */
export function deviceFacts(file: string, opened: OpenedDevice, allocatedBytes: number | null): DeviceFacts {
  const { device, header, format, readOnlyReason, foundation } = opened;
  const { disk } = device;
  const span = disk.clusterSize * (disk.clusterSize / (header === null ? ENTRY_BYTES : entryFormat(header).entryBytes));
  const image: ImageFacts = {
    file,
    format,
    readOnly: disk.readOnly,
    readOnlyReason,
    virtualSize: bytes(disk.virtualSize),
    fileSize: bytes(disk.fileSize),
    allocatedSize: allocatedBytes === null ? null : bytes(allocatedBytes),
    clusterSize: bytes(disk.clusterSize),
    version: header?.version ?? 0,
    refcountBits: header === null ? 0 : 2 ** header.refcountOrder,
    compressionType: COMPRESSION_NAMES[header?.compressionType ?? 0] ?? "zlib",
    lazyRefcounts: header !== null && hasBit(header.compatible, COMPATIBLE_LAZY_REFCOUNTS),
    corrupt: header !== null && hasBit(header.incompatible, INCOMPATIBLE_CORRUPT),
    extendedL2: header !== null && hasBit(header.incompatible, INCOMPATIBLE_EXTENDED_L2),
    dirty: header !== null && hasBit(header.incompatible, INCOMPATIBLE_DIRTY),
    encryption: header === null ? null : (ENCRYPTIONS[header.cryptMethod] ?? null),
    backingFile: header?.backingFile ?? null,
    backingFormat: header === null ? null : backingFormatOf(header),
    fullBackingFile: foundation.backingName,
    externalData: header !== null && hasBit(header.incompatible, INCOMPATIBLE_EXTERNAL_DATA),
    dataFile: header === null ? null : dataFileOf(header),
    dataFileRaw: header !== null && hasBit(header.autoclear, AUTOCLEAR_RAW_EXTERNAL),
    openedDataFile: foundation.data === null ? null : storeFacts(foundation.data),
    dataFiles: dataFilesOf(file, foundation),
    snapshotCount: header?.snapshotCount ?? 0,
    vmStateOffset: bytes(header === null ? 0 : roundUp(disk.virtualSize, span)),
  };
  return { image, zoned: device.zonedFacts() };
}
