/**
 * From a byte store to a device: which format it is, and for qcow2 whether and how it is zoned. Everything that the zoned
 * extension says is checked before it is believed. Source: zoned format, "What a reader must refuse".
 */
import { Fault } from "../base/fault.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { CoalescingStore } from "../bytes/coalescing-store.ts";
import type { DeviceFacts, ImageFacts } from "../protocol/index.ts";
import { COMPATIBLE_LAZY_REFCOUNTS, INCOMPATIBLE_CORRUPT, INCOMPATIBLE_EXTENDED_L2, hasBit } from "../qcow2/features.ts";
import { COMPRESSION_NAMES, looksLikeQcow2 } from "../qcow2/header.ts";
import type { Header } from "../qcow2/header.ts";
import { Qcow2Image } from "../qcow2/image.ts";
import { readHeader } from "../qcow2/open.ts";
import { readExactly } from "../bytes/byte-store.ts";
import { SECTOR_SIZE, bytes, roundUp } from "../base/units.ts";
import { ZONED_EXTENSION_MAGIC, ZONED_FEATURE_BIT, decodeZonedExtension } from "../zoned/dialect.ts";
import type { ZonedHeader } from "../zoned/dialect.ts";
import { checkPointers } from "../zoned/pointer.ts";
import type { PointerReport } from "../zoned/pointer.ts";
import { ChangeLog } from "./change-log.ts";
import type { Device } from "./device.ts";
import { PlainDevice } from "./plain-device.ts";
import { RawDisk } from "./raw-disk.ts";
import { ZonedDevice } from "./zoned-device.ts";

export type Format = "qcow2" | "raw";

export interface OpenedDevice {
  readonly format: Format;
  readonly device: Device;
  /** null for raw. */
  readonly header: Header | null;
  /** What the zoned extension says; null without zones. */
  readonly zoned: ZonedHeader | null;
  /** Why it is read-only although writing was wanted, or null. */
  readonly readOnlyReason: string | null;
}

/**
 * Opens the disk in a store.
 * @param format null looks for qcow2's magic and takes anything else as raw
 * @param write whether writing is wanted
 * @param now milliseconds since 1970, for the device's events
 * @param log where the device notes what changes; a reopened device goes on with the one it had
 * @throws Fault for an image that cannot be opened; the store is left as it was
 */
export function openDevice(store: ByteStore, format: Format | null, write: boolean, now: () => number, log = new ChangeLog(now)): OpenedDevice {
  if (format === "raw" || (format === null && !startsLikeQcow2(store))) {
    return { format: "raw", device: new PlainDevice(new RawDisk(store, write), log), header: null, zoned: null, readOnlyReason: null };
  }
  const header = readHeader(store);
  const zoned = readZonedHeader(store, header);
  if (zoned === null) {
    const image = new Qcow2Image(coalesced(store, write), header, write, []);
    return { format: "qcow2", device: new PlainDevice(image, log), header, zoned, readOnlyReason: image.readOnlyReason };
  }
  const entries = readExactly(store, zoned.metadataOffset, zoned.metadataSize);
  const report = checkPointers(zoned.geometry, new DataView(entries.buffer), zoned.metadataOffset);
  if ("kind" in report) throw new Fault(report);
  const area = { structure: "zoned metadata", offset: zoned.metadataOffset, lengthBytes: zoned.metadataSize };
  const reason = write ? zonedReasonNotToWrite(header, report) : null;
  const image = new Qcow2Image(coalesced(store, write), header, write && reason === null, [ZONED_FEATURE_BIT], area);
  const device = new ZonedDevice(image, zoned, entries, report.findings, log);
  return { format: "qcow2", device, header, zoned, readOnlyReason: image.readOnlyReason ?? reason };
}

const coalesced = (store: ByteStore, write: boolean): ByteStore => (write && !store.readOnly ? new CoalescingStore(store) : store);

/** What zoned images do not do (zone semantics, "Durability") and scars that make every write a guess. */
function zonedReasonNotToWrite(header: Header, report: PointerReport): string | null {
  if (hasBit(header.compatible, COMPATIBLE_LAZY_REFCOUNTS)) return "lazy refcounts, which a zoned image does not have";
  if (header.virtualSize % SECTOR_SIZE !== 0) return "the disk's size is no multiple of a sector";
  return report.readOnly ? "a write pointer is no multiple of a sector" : null;
}

function startsLikeQcow2(store: ByteStore): boolean {
  const start = new Uint8Array(4);
  return looksLikeQcow2(start.subarray(0, store.read(0, start)));
}

function readZonedHeader(store: ByteStore, header: Header): ZonedHeader | null {
  const extension = header.extensions.find(({ magic }) => magic === ZONED_EXTENSION_MAGIC);
  if (extension === undefined) return null;
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

/** The facts that the protocol tells of an opened device. @param allocatedBytes what the file takes of its disk, null when unknown */
export function deviceFacts(file: string, opened: OpenedDevice, allocatedBytes: number | null): DeviceFacts {
  const { device, header, format, readOnlyReason } = opened;
  const { disk } = device;
  const span = disk.clusterSize * (disk.clusterSize / 8);
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
    snapshotCount: header?.snapshotCount ?? 0,
    vmStateOffset: bytes(header === null ? 0 : roundUp(disk.virtualSize, span)),
  };
  return { image, zoned: device.zonedFacts() };
}
