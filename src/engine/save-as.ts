/**
 * Making a file of an inspected one: its disk as qcow2 or raw, or a stretch of it as bytes. Nothing is replaced; what cannot be made
 * whole, or is cancelled, is removed again. Snapshots and bitmaps are not carried over: a new image has the disk alone.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import type { ConvertOptions, CreateOptions, Failure, ReplyOf, SaveForm, ZoneGeometry, ZonedCreateOptions } from "../protocol/index.ts";
import { failureOf } from "./border.ts";
import { createImageFile, createRawFile } from "./create-calls.ts";
import type { Device } from "./device.ts";
import type { Job, Work } from "./jobs.ts";
import type { Library } from "./library-calls.ts";
import { convertDevices } from "./move-calls.ts";
import { OpenImage } from "./open-image.ts";
import { STANDALONE } from "./open-device.ts";
import { isZero } from "../bytes/zeros.ts";

export interface Saving {
  readonly library: Library;
  readonly now: () => number;
  readonly job: Job;
  /** null for a download. */
  readonly to: string | null;
}

type Saved = Result<ReplyOf<"saveAs">, Failure>;
type DiskForm = Extract<SaveForm, { format: "qcow2" | "raw" }>;

const CHUNK_BYTES = 2 ** 20;
const REFCOUNT_BITS = 16;
const PLAIN_CLUSTER = 65536;
/** Runs of zeros from here on become holes. */
const SPARSE_BYTES = 4096;

/** The whole disk. */
export async function saveDisk(saving: Saving, device: Device, form: DiskForm): Promise<Saved> {
  const { library, job } = saving;
  const { virtualSize } = device.disk;
  const options = form.format === "raw" ? null : imageOptions(device, form);
  if (options !== null && !options.ok) return options;
  return await makeNew(saving, form.format === "raw" ? virtualSize : 0, async (file) => {
    const created = options === null ? await createRawFile(library, file, virtualSize, "off", job) : await createImageFile(library, file, options.value, job);
    return created.ok ? await fill(saving, file, device, form) : created;
  });
}

/** Bytes [offset, offset + lengthBytes) of what `read` reads, which has so many. */
export async function saveBytes(saving: Saving, read: (offset: number, into: Uint8Array) => void, offset: number, lengthBytes: number): Promise<Saved> {
  return await makeNew(saving, lengthBytes, async (file) => {
    const opened = await saving.library.open(file, "create");
    if (!opened.ok) return opened;
    try {
      return await saving.job.outcome(copyBytes(opened.value, read, offset, lengthBytes));
    } finally {
      opened.value.close();
    }
  });
}

function* copyBytes(store: ByteStore, read: (offset: number, into: Uint8Array) => void, offset: number, lengthBytes: number): Work<Result<null, Failure>> {
  store.truncate(lengthBytes);
  const buffer = new Uint8Array(Math.min(CHUNK_BYTES, lengthBytes));
  for (let at = 0; at < lengthBytes; at += buffer.length) {
    const chunk = buffer.subarray(0, Math.min(buffer.length, lengthBytes - at));
    read(offset + at, chunk);
    if (!isZero(chunk)) store.write(at, chunk);
    yield at / lengthBytes;
  }
  store.flush();
  return ok(null);
}

/** Makes a file under a new name by `make`, and removes it where that fails. */
async function makeNew({ library, to }: Saving, lengthBytes: number, make: (file: string) => Promise<Result<unknown, Failure>>): Promise<Saved> {
  const name = to === null ? library.temporaryName() : ok(to);
  if (!name.ok) return name;
  const file = name.value;
  const refused = await library.refusalOfNew(file, lengthBytes);
  if (refused !== null) return err(refused);
  let made: Result<unknown, Failure>;
  try {
    made = await make(file);
  } catch (error) {
    made = err(failureOf(error));
  }
  if (!made.ok) {
    await library.remove(file);
    return made;
  }
  const opened = await library.open(file, "read");
  if (!opened.ok) return opened;
  const bytes = opened.value.size();
  opened.value.close();
  if (to !== null) return ok({ file, source: null, bytes });
  const source = await library.downloadOf(file);
  return source.ok ? ok({ file, source: source.value, bytes }) : source;
}

async function fill({ library, now, job }: Saving, file: string, device: Device, form: DiskForm): Promise<Result<unknown, Failure>> {
  const opened = await library.open(file, "write");
  if (!opened.ok) return opened;
  const compressed = form.format === "qcow2" && form.compressed;
  let image: OpenImage;
  try {
    image = new OpenImage(0, { ...STANDALONE, file, store: opened.value, format: form.format }, true, now);
    if (compressed) await image.loadEncoder();
  } catch (error) {
    opened.value.close();
    throw error;
  }
  const options: ConvertOptions = { sparseBytes: SPARSE_BYTES, compressed, targetIsZero: true, keepsBacking: false, salvage: false, part: null };
  const copied = await job.outcome(image.guardWork(() => convertDevices([device], image, options)));
  const flushed = copied.ok ? image.guard(() => image.settle()) : copied;
  image.close();
  return flushed;
}

/** Of the new image: plain, or with the zones that the disk has. */
function imageOptions(device: Device, { compressed, dialect }: Extract<SaveForm, { format: "qcow2" }>): Result<CreateOptions, Failure> {
  const { disk, zones } = device;
  const option = (name: string, found: string, allowed: string): Result<never, Failure> => err({ kind: "option", option: name, found, allowed });
  if (dialect !== null && zones === null) return option("dialect", dialect, "none: the disk has no zones");
  if (dialect !== null && compressed) return err({ kind: "unsupported", feature: "compressed clusters of a zoned image" });
  const clusterSize = dialect === null ? PLAIN_CLUSTER : disk.clusterSize;
  return ok({ sizeBytes: disk.virtualSize, clusterSize, refcountBits: REFCOUNT_BITS, zoned: dialect === null ? null : zonesOf(zones!.geometry, dialect) });
}

function zonesOf(geometry: ZoneGeometry, dialect: ZonedCreateOptions["dialect"]): ZonedCreateOptions {
  const { zoneSize, zoneCapacity, conventionalZones, maxOpenZones, maxActiveZones, maxAppendBytes } = geometry;
  return { dialect, zoneSize, zoneCapacity, conventionalZones, maxOpenZones, maxActiveZones, maxAppendBytes };
}
