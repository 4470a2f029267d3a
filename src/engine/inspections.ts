/**
 * Files under inspection. A file of the person's machine cannot change and stays open, with what was read of it, until its inspection
 * ends. One of the library is opened for each call and closed behind it, so that nobody has to wait for an inspection to write it; one
 * that is open here is flushed and its store lent. Of both nothing that was read is believed in the next call. Nothing is written.
 */
import { Fault } from "../base/fault.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { CachedStore } from "../bytes/cached-store.ts";
import { inspectHeader } from "../inspect/header-report.ts";
import type { InspectedHeader } from "../inspect/header-report.ts";
import type { HostIndex } from "../inspect/host-index.ts";
import { identifyFile, isDiskItself } from "../inspect/identity.ts";
import { Inspected } from "../inspect/inspected.ts";
import { ADOPTED_PREFIX } from "../protocol/index.ts";
import type { Container, Failure } from "../protocol/index.ts";
import type { Codecs } from "../qcow2/codecs.ts";
import { ChangeLog } from "./change-log.ts";
import type { Device } from "./device.ts";
import type { Library } from "./library-calls.ts";
import { closeFiles, openChain } from "./open-chain.ts";
import type { FilePlace } from "./open-chain.ts";
import { openDevice } from "./open-device.ts";
import type { OpenedFiles } from "./open-device.ts";
import type { OpenImage } from "./open-image.ts";

export interface InspectionHost {
  readonly library: Library;
  readonly codecs: Codecs;
  readonly now: () => number;
  /** The image that has the file open here, flushed; null where none has. */
  attached(file: string): Result<OpenImage, Failure> | null;
}

/** A file as one call sees it. */
export interface Opened {
  readonly file: string;
  readonly store: ByteStore;
  readonly container: Container;
  /** null for what is no qcow2. */
  readonly header: InspectedHeader | null;
  /** Tables of a qcow2 whose header is believed; null for anything else. */
  readonly inspected: Inspected | null;
  /** The same where the header is believed by a check at least; null for anything else. */
  readonly toCheck: Inspected | null;
  /** The device over the file where it is open here. */
  readonly live: Device | null;
}

/** What stays of an inspection of a file that does not change. */
interface Kept {
  readonly stores: Map<string, CachedStore>;
  opened: Opened | null;
  guest: Device | null;
}

interface Inspection {
  readonly file: string;
  /** Which table led to a cluster when that was last gone through; the file may have changed since. */
  hint: HostIndex | null;
  /** null for a file that may change between two calls. */
  readonly kept: Kept | null;
}

export class Inspections {
  private readonly host: InspectionHost;
  private readonly open = new Map<number, Inspection>();
  private next = 1;

  constructor(host: InspectionHost) {
    this.host = host;
  }

  /** Begins an inspection. @returns its number */
  begin(file: string): number {
    const kept = file.startsWith(ADOPTED_PREFIX) ? { stores: new Map<string, CachedStore>(), opened: null, guest: null } : null;
    this.open.set(this.next, { file, hint: null, kept });
    return this.next++;
  }

  /** Whether the file of an inspection cannot change while it lasts. */
  isFixed(inspection: number): boolean {
    return (this.open.get(inspection)?.kept ?? null) !== null;
  }

  /** Ends one, or all. One that is not there has ended already. */
  end(inspection?: number): void {
    for (const [number, { kept }] of this.open) {
      if (inspection !== undefined && number !== inspection) continue;
      kept?.stores.forEach((store) => store.close());
      this.open.delete(number);
    }
  }

  /** Does something with the file, which is open meanwhile. @param act may throw a Fault */
  async withFile<Value>(inspection: number, act: (opened: Opened) => Promise<Result<Value, Failure>>): Promise<Result<Value, Failure>> {
    const session = this.open.get(inspection);
    if (session === undefined) return ended(inspection);
    const { file, kept } = session;
    if (kept !== null && kept.opened !== null) return act(kept.opened);
    const attached = kept === null ? this.host.attached(file) : null;
    if (attached !== null) return attached.ok ? hinted(session, lookInto(file, attached.value.store, attached.value.device), act) : attached;
    const store = await this.placeOf(session).open(file, "read");
    if (!store.ok) return store;
    try {
      const opened = lookInto(file, store.value, null);
      if (kept === null) return await hinted(session, opened, act);
      kept.opened = opened;
      return await act(opened);
    } finally {
      if (kept === null) store.value.close();
    }
  }

  /** Does something with the disk that the file is, or that is in it; what it stands on is opened too. @param act may throw a Fault */
  async withDisk<Value>(inspection: number, container: Container, act: (device: Device) => Promise<Result<Value, Failure>>): Promise<Result<Value, Failure>> {
    const session = this.open.get(inspection);
    if (session === undefined) return ended(inspection);
    if (container !== "qcow2" && !isDiskItself(container)) return err({ kind: "unsupported", feature: `the disk in a file of kind ${container}` });
    const { file, kept } = session;
    if (kept !== null && kept.guest !== null) return act(kept.guest);
    const attached = kept === null ? this.host.attached(file) : null;
    if (attached !== null) return attached.ok ? act(attached.value.device) : attached;
    const files = await openChain(this.placeOf(session), { file, format: container === "qcow2" ? "qcow2" : "raw" }, { write: false, inspect: false });
    if (!files.ok) return files;
    try {
      const guest = this.deviceOver(files.value);
      if (kept !== null) kept.guest = guest;
      return await act(guest);
    } finally {
      if (kept === null) closeFiles(files.value);
    }
  }

  /** Whether a file is there that a header names, under the name that it has here; null where not. */
  async find(inspection: number, name: string): Promise<string | null> {
    const session = this.open.get(inspection);
    if (session === undefined) return null;
    const found = await this.placeOf(session).open(name, "read");
    if (found.ok) found.value.close();
    return found.ok || found.error.kind !== "file" || found.error.code === "in-use" ? name : null;
  }

  private deviceOver(files: OpenedFiles): Device {
    const { now, codecs } = this.host;
    return openDevice(files.store, files.format, false, now, new ChangeLog(now), files, codecs).device;
  }

  /** Where an inspection's files are opened: those that cannot change once, and what was read of them kept. */
  private placeOf({ kept }: Inspection): FilePlace {
    const { library } = this.host;
    const open: FilePlace["open"] = async (file, mode) => {
      const there = kept?.stores.get(file);
      if (there !== undefined) return ok(unclosed(there));
      const opened = await library.open(file, mode);
      if (!opened.ok) return opened;
      const cached = new CachedStore(opened.value);
      if (kept === null) return ok(cached);
      kept.stores.set(file, cached);
      return ok(unclosed(cached));
    };
    return { open, beside: (image, name) => library.beside(image, name), identity: (file) => library.identity(file) };
  }
}

const ended = (inspection: number): Result<never, Failure> => err({ kind: "usage", code: "closed-handle", detail: `inspection ${inspection} is not open` });

function lookInto(file: string, store: ByteStore, live: Device | null): Opened {
  const { container } = identifyFile(store);
  const header = container === "qcow2" ? inspectHeader(store) : null;
  const inspected = header === null || header.header === null ? null : new Inspected(store, header.header, header.zoned);
  const checked = header?.toCheck ?? null;
  const toCheck = inspected ?? (checked && new Inspected(store, checked.header, checked.zoned));
  return { file, store, container, header, inspected, toCheck, live };
}

/** A call on a file that may change before the next one, which is handed what this one learns of its tables as a hint. */
async function hinted<Value>(session: Inspection, opened: Opened, act: (opened: Opened) => Promise<Result<Value, Failure>>): Promise<Result<Value, Failure>> {
  const { inspected } = opened;
  if (inspected === null) return act(opened);
  inspected.hint = session.hint;
  try {
    return await act(opened);
  } finally {
    session.hint = inspected.hostIndex ?? session.hint;
  }
}

/** The tables of a file, or why it has none that a check could follow, which deals with a refcount table or a snapshot table that is missing or too long. */
export function tablesToCheck({ header, container, toCheck }: Opened): Result<Inspected, Failure> {
  if (toCheck !== null) return ok(toCheck);
  return err(header?.report.problem ?? { kind: "unsupported", feature: `tables of a file of kind ${container}` });
}

/** Reads from a device; a refusal is thrown as if the bytes had failed. */
export function readDevice(device: Device, offset: number, into: Uint8Array): void {
  const answer = device.read(offset, into);
  if (!answer.ok) throw new Fault({ kind: "unsupported", feature: `reading the disk at ${offset}` });
}

/** A store that stays open when a handle on it is closed: its owner closes it. */
function unclosed(store: CachedStore): ByteStore {
  return {
    name: store.name,
    readOnly: true,
    size: () => store.size(),
    read: (offset, into) => store.read(offset, into),
    write: (offset, from) => store.write(offset, from),
    truncate: (size) => store.truncate(size),
    ...(store.allocated === undefined ? {} : { allocated: store.allocated }),
    leastReadBytes: store.leastReadBytes,
    flush: () => store.flush(),
    close: () => undefined,
  };
}
