/**
 * docs/format.md: the zoned format's bytes, told by the codecs themselves: fields and their places from the dialects' table, what a reader
 * refuses by asking it, an example by making an image and looking at its file.
 */
import { MemoryFiles } from "../../bytes/memory-files.ts";
import { bytes, hostOffset, zoneIndex } from "../../base/units.ts";
import { decodeHeader } from "../../qcow2/header.ts";
import { MAX_ZONES, zoneEnd, zoneStart } from "../../zoned/geometry.ts";
import type { ZoneGeometry } from "../../zoned/geometry.ts";
import { ZONED_EXTENSION_MAGIC, ZONED_FEATURE_BIT, decodeZonedExtension, dialectFields, dialectLimits, dialectTraits, encodeZonedExtension } from "../../zoned/dialect.ts";
import type { Dialect } from "../../zoned/dialect.ts";
import { POINTER_BYTES, decodePointer, encodePointer } from "../../zoned/pointer.ts";
import { KIB, MIB, createOptions, engineFixture } from "../engine-fixture.ts";
import { table } from "./tables.ts";

const DIALECTS: readonly Dialect[] = ["v4", "v7", "v9"];
const CLUSTER = 64 * KIB;
const hex = (value: number): string => `0x${value.toString(16)}`;
const hexBytes = (data: Uint8Array): string => [...data].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");

/** What each field says; the append limit has a name for each unit. */
const SAYS: Readonly<Record<string, string>> = {
  zoned: "0: no zones; 1: host-managed",
  zone_size: "bytes from one zone's start to the next, a power of two",
  zone_capacity: "bytes of a sequential zone that can be written",
  nr_conv_zones: "conventional zones, at the start of the disk",
  conventional_zones: "conventional zones, at the start of the disk",
  nr_zones: "zones: the disk's size divided by zone_size, rounded up",
  max_active_zones: "most active zones, 0 for no limit",
  max_open_zones: "most open zones, 0 for no limit",
  max_append_sectors: "most sectors of 512 bytes in one append, 0 for none at all",
  max_append_bytes: "most bytes in one append, 0 for none at all",
  zonedmeta_offset: "where in the file the pointers begin",
  zonedmeta_size: `their length in bytes: ${POINTER_BYTES} for each zone`,
};

function fieldsOf(dialect: Dialect): string {
  const rows = dialectFields(dialect).map(([name, byte, width]) => [`${byte}`, `${width}`, `\`${name}\``, SAYS[name] ?? ""]);
  return table(["byte", "length", "field", "says"], [rows[0]!, ["1", "3", "", "zero"], ...rows.slice(1)]);
}

function traitsTable(): string {
  const traits = DIALECTS.map(dialectTraits);
  const limits = DIALECTS.map(dialectLimits);
  return table(
    ["", "v4", "v7", "v9"],
    [
      ["posted in versions", "up to 4", "5 to 7", "8 to 10"],
      ["length of the extension, bytes", ...traits.map(({ lengthBytes }) => `${lengthBytes}`)],
      [`incompatible feature bit ${ZONED_FEATURE_BIT}`, ...traits.map(({ featureBit }) => (featureBit ? "set" : "clear"))],
      ["stock programs", ...traits.map(({ featureBit }) => (featureBit ? "refuse the image" : "open it as a plain disk"))],
      ["zone_size and zone_capacity, bits", ...traits.map(({ zoneSizeBits }) => `${zoneSizeBits}`)],
      ["append limit counts", ...traits.map(({ appendUnitBytes }) => (appendUnitBytes === 1 ? "bytes" : `sectors of ${appendUnitBytes}`))],
      ["of the last two fields comes first", ...traits.map(({ offsetBeforeSize }) => (offsetBeforeSize ? "`zonedmeta_offset`" : "`zonedmeta_size`"))],
      ["largest zone_size, bytes", ...limits.map(({ maxZoneSize }) => `2^${Math.log2(maxZoneSize)}`)],
    ],
  );
}

/** A disk of 8 zones of 1 MiB, the first conventional. */
const GEOMETRY: ZoneGeometry = {
  deviceSize: bytes(8 * MIB),
  zoneSize: bytes(MIB),
  zoneCapacity: bytes(768 * KIB),
  zoneCount: 8,
  conventionalZones: 1,
  maxOpenZones: 2,
  maxActiveZones: 3,
  maxAppendBytes: bytes(64 * KIB),
};

/** What the reader says to an extension in which one thing cannot be. */
function refusalTable(): string {
  const context = { hostOffset: 0x78, featureBit: false, deviceSize: GEOMETRY.deviceSize, clusterSize: CLUSTER, fileLength: 8 * MIB };
  const sound = encodeZonedExtension({ dialect: "v4", geometry: GEOMETRY, metadataOffset: hostOffset(3 * CLUSTER), metadataSize: bytes(POINTER_BYTES * 8) });
  const at = new Map(dialectFields("v4").map(([name, byte, width]) => [name, { byte, width }] as const));
  const broken: readonly (readonly [string, number])[] = [
    ["zoned", 2], ["zone_size", 3 * MIB], ["zone_capacity", 2 * MIB], ["nr_zones", 9], ["nr_conv_zones", 8], ["zonedmeta_size", 8], ["zonedmeta_offset", 512],
  ];
  const rows = broken.map(([name, value]) => {
    const data = sound.slice();
    const { byte, width } = at.get(name)!;
    if (width === 1) data[byte] = value;
    else new DataView(data.buffer).setUint32(width === 8 ? byte + 4 : byte, value);
    const decoded = decodeZonedExtension(data, context);
    if (decoded.ok) throw new Error(`${name} = ${value} is not refused`);
    return [`\`${decoded.error.field}\``, decoded.error.found, decoded.error.allowed];
  });
  const short = decodeZonedExtension(sound.subarray(0, 40), context);
  if (short.ok) throw new Error("a short extension is not refused");
  return table(["field", "found, for example", "allowed"], [[short.error.field, short.error.found, short.error.allowed], ...rows]);
}

/** An image's file after a few commands: its extension by fields, and its pointers. */
async function example(): Promise<string> {
  const files = new MemoryFiles(() => 0);
  const fixture = engineFixture(files);
  const file = "disk.qcow2";
  await fixture.ok("create", { file, options: createOptions({ sizeBytes: 8 * MIB, zoned: { zoneCapacity: 768 * KIB, conventionalZones: 1, maxOpenZones: 2, maxActiveZones: 3 } }) });
  const { handle } = await fixture.ok("open", { file, readOnly: false, format: null });
  await fixture.ok("write", { handle, offset: MIB, length: 4 * KIB, pattern: 1, data: null });
  await fixture.ok("manage", { handle, offset: 2 * MIB, length: MIB, operation: "finish" });
  await fixture.ok("close", { handle });
  const opened = await files.open(file, "read");
  if (!opened.ok) throw new Error(opened.error.code);
  const store = opened.value;
  const cluster = new Uint8Array(CLUSTER);
  store.read(0, cluster);
  const decoded = decodeHeader(cluster, store.size());
  if (!decoded.ok) throw new Error("the image that was made has no header");
  const extension = decoded.value.extensions.find(({ magic }) => magic === ZONED_EXTENSION_MAGIC)!;
  const fields = dialectFields("v4").map(([name, byte, width]) => [hex(extension.hostOffset + byte), hexBytes(extension.data.subarray(byte, byte + width)), `\`${name}\``]);
  const where = new DataView(extension.data.buffer, extension.data.byteOffset).getUint32(36);
  const entries = new Uint8Array(POINTER_BYTES * 8);
  store.read(where, entries);
  store.close();
  const view = new DataView(entries.buffer);
  const pointers = [0, 1, 2, 3].map((zone) => {
    const { conventional, offset } = decodePointer(view, zone);
    const start = zoneStart(GEOMETRY, zoneIndex(zone));
    const means = conventional ? "conventional" : offset === start ? "EMPTY" : offset === zoneEnd(GEOMETRY, zoneIndex(zone)) ? "FULL, finished" : `CLOSED, ${offset - start} bytes written`;
    return [hex(where + zone * POINTER_BYTES), hexBytes(entries.subarray(zone * POINTER_BYTES, (zone + 1) * POINTER_BYTES)), `zone ${zone}: ${means}`];
  });
  return `The extension, its data at ${hex(extension.hostOffset)}:\n\n${table(["byte of the file", "bytes", "field"], fields)}\nThe pointers, at ${hex(where)}:\n\n${table(["byte of the file", "bytes", "says"], pointers)}`;
}

/** A pointer that has bit 59, as it is stored. */
function conventionalEntry(): string {
  const entry = new Uint8Array(POINTER_BYTES);
  encodePointer(new DataView(entry.buffer), 0, { conventional: true, offset: zoneStart(GEOMETRY, zoneIndex(1)) });
  return hexBytes(entry);
}

/** The page. */
export async function formatPage(): Promise<string> {
  return `# The zoned format's bytes

An extension of qcow2 that was posted for QEMU in several versions and is in no released QEMU. It adds a header extension, which says what zones there
are, and clusters with a write pointer for each. Everything else is an ordinary version 3 image: tables, refcounts and data are where they
always are. The tables are made from this program's own codecs; a test holds them against the page.

## Three layouts

The layouts that were posted are called dialects here. All have the header extension ${hex(ZONED_EXTENSION_MAGIC).replace("0x", "0x00")}; its length and one feature bit tell
them apart, and anything else is refused.

${traitsTable()}
\`create\` writes v4 for the options \`zone_model=1\`, \`zone_size=\` …, and v9 for \`zone.mode=host-managed\`, \`zone.size=\` … \`dialect IMAGE v9\` rewrites one as
another. Of a version 11 that was posted later the bytes are not known here.

## The extension

All fields are big-endian. In images that are made here it follows the header, so that both lie in the first 512 bytes.

### v4

${fieldsOf("v4")}
### v7

${fieldsOf("v7")}
### v9

${fieldsOf("v9")}
## The pointers

\`zonedmeta_offset\` is the start of a cluster; there lies one word of ${POINTER_BYTES * 8} bits for each zone, zone 0 first, **little-endian**, unlike all else. The clusters are
counted by the refcounts as any metadata.

| bits | meaning |
| --- | --- |
| 0 to 58 | the write pointer, a byte of the guest's disk; of a conventional zone, its start |
| 59 | the zone is conventional; such an entry at 1 MiB is \`${conventionalEntry()}\` |
| 60 to 63 | zero |

No condition is stored. With the pointer at the zone's start the zone is EMPTY when the image is opened, below the end of its capacity CLOSED, and from there
on FULL; a zone that is finished has the zone's end, one that was written full the capacity's. Bit 59, and not \`nr_conv_zones\`, decides what a zone is.

## An example

8 zones of 1 MiB with a capacity of 768 KiB, the first conventional; 4 KiB written to zone 1, and zone 2 finished.

${await example()}
## What a reader refuses

Each is looked at before anything is allocated or read by it, and told with its place, what was found and what is allowed.

${refusalTable()}
Beside: more than ${MAX_ZONES} zones, pointers outside the file, a sequential zone's pointer outside its zone, a conventional one's that is not the start. Images of
the patched builds have scars that are no reason to refuse: a type that disagrees with \`nr_conv_zones\` is told as a finding, and with a pointer that is no
multiple of 512 the image opens for reading.

## When the bytes are on the disk

A flush writes data, new tables, raised refcounts and the pointers of zones that were reset; then L1 and L2 entries; then pointers that went forward, and
refcounts that went down; with a barrier after each. So no pointer on the disk covers what is not there. [What a zone does](semantics.md#what-survives-a-power-failure) has
the rules, each with the crash that it prevents. Pointers are written entry by entry from a copy of what is on the disk, so that one zone's reset
does not carry its neighbour's advance out early.

## With other programs

Stock QEMU skips an extension that it does not know, so that it opens a v4 image, and takes the pointers' clusters for leaked: \`qemu-img check\` ends
with 3, and **\`qemu-img check -r leaks\` frees them, and with them every write pointer**. It writes anywhere, too, without minding a pointer.
v7 and v9 have a bit that it refuses. \`qemu-img check\` of this program counts the clusters as used.
`;
}
