/** The inspector's calls: files looked into whether or not they open as an image; requests checked, answers packed. */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { readPadded } from "../bytes/byte-store.ts";
import { headerSpans, spansWithin } from "../inspect/spans.ts";
import { identifyFile } from "../inspect/identity.ts";
import { placeOfGuest, placeOfHost, placeOfZone } from "../inspect/locate.ts";
import type { Locating } from "../inspect/locate.ts";
import type { Inspected } from "../inspect/inspected.ts";
import { layoutOf } from "../inspect/layout.ts";
import type { Searched } from "../inspect/search.ts";
import { l1Rows, l2Rows } from "../inspect/tables.ts";
import { verifyCompressedClusters } from "../inspect/verify-compressed.ts";
import { zoneIndex } from "../base/units.ts";
import { LAYOUT_KINDS, MAX_LAYOUT_CELLS } from "../protocol/index.ts";
import type { ByteSpan, CallName, Failure, FileIdentity, GuestMark, HeaderReport, ImageProblem, InspectorCalls, NeededFile, Outcome, RequestOf } from "../protocol/index.ts";
import { loadZstdDecoder } from "../qcow2/codecs.ts";
import type { Device } from "./device.ts";
import { Inspections, readDevice, tablesToCheck } from "./inspections.ts";
import type { InspectionHost, Opened } from "./inspections.ts";
import { CANCELLED, safely } from "./jobs.ts";
import type { Job, Work } from "./jobs.ts";
import { planRepair } from "./repair-plan.ts";
import { saveBytes, saveDisk } from "./save-as.ts";
import type { Saving } from "./save-as.ts";
import { sourceBeside } from "./open-chain.ts";
import { atBorder } from "./border.ts";

export type InspectorCallName = keyof InspectorCalls;
type Handler<Name extends InspectorCallName> = (request: RequestOf<Name>, job: Job) => Promise<Outcome<Name>> | Outcome<Name>;
type Handlers = { readonly [Name in InspectorCallName]: Handler<Name> };

const LONG_READS: ReadonlySet<CallName> = new Set<InspectorCallName>(["layout", "locate", "verifyCompressed", "search", "repairPlan", "saveAs"]);

const MAX_BYTES = 2 ** 20;
const MAX_ENTRIES = 65536;
const MAX_NEEDLE_BYTES = 1024;
/** Runs that the guest's view is told as; what is more scattered is told up to there. */
const MAX_RUNS = 4096;
const done = ok({ done: true } as const);

export class InspectCalls {
  private readonly inspections: Inspections;
  private readonly host: InspectionHost;

  constructor(host: InspectionHost) {
    this.host = host;
    this.inspections = new Inspections(host);
  }

  /** Whether a call is one of these. */
  has(name: string): boolean {
    return Object.hasOwn(this.handlers, name);
  }

  /** What a call needs that takes long and only reads a file that cannot change, so that it may run beside others; null for any other call. */
  apartKey(name: CallName, request: RequestOf<CallName>): string | null {
    if (!LONG_READS.has(name)) return null;
    const { inspection } = request as RequestOf<"layout">;
    return this.inspections.isFixed(inspection) ? this.keyOf(inspection) : null;
  }

  /** What stands for an inspection among the things that calls need. */
  keyOf(inspection: number): string {
    return `inspection ${inspection}`;
  }

  /** @throws what the engine's border makes a failure of */
  async perform<Name extends InspectorCallName>(name: Name, request: RequestOf<Name>, job: Job): Promise<Outcome<Name>> {
    return await (this.handlers[name] as unknown as Handler<Name>)(request, job);
  }

  /** Ends every inspection. */
  close(): void {
    this.inspections.end();
  }

  private readonly handlers: Handlers = {
    inspect: async ({ file }) => {
      const inspection = this.inspections.begin(file);
      const looked = await this.lookInto(inspection).catch((error: unknown) => {
        this.inspections.end(inspection);
        throw error;
      });
      if (!looked.ok) {
        this.inspections.end(inspection);
        return looked;
      }
      return ok({ inspection, ...looked.value });
    },
    endInspection: ({ inspection }) => {
      this.inspections.end(inspection);
      return done;
    },
    tableEntries: ({ inspection, l1Index, from, count }) => {
      const bad = badCount("from", from, Number.MAX_SAFE_INTEGER) ?? badCount("count", count, MAX_ENTRIES) ?? (l1Index === null ? null : badCount("l1Index", l1Index, 2 ** 32));
      if (bad !== null) return bad;
      return this.inspections.withFile(inspection, async (opened) => {
        const tables = tablesToCheck(opened);
        if (!tables.ok) return tables;
        return atBorder(() => (l1Index === null ? ok(l1Rows(tables.value, from, count)) : l2Rows(tables.value, l1Index, from, count)));
      });
    },
    bytesAt: ({ inspection, view, offset, length }) => {
      const bad = badCount("offset", offset, Number.MAX_SAFE_INTEGER) ?? badCount("length", length, MAX_BYTES);
      if (bad !== null) return bad;
      return this.inspections.withFile(inspection, async (opened) => {
        if (view === "host") return atBorder(() => ok(hostBytes(opened, offset, length)));
        return this.inspections.withDisk(inspection, opened.container, async (device) => atBorder(() => ok(guestBytes(device, offset, length))));
      });
    },
    locate: (request, job) => this.locate(request, job),
    layout: ({ inspection }, job) => this.overTables(inspection, job, (inspected, wrong) => layoutOf(inspected, LAYOUT_KINDS, { maxCells: MAX_LAYOUT_CELLS }, wrong)),
    verifyCompressed: async ({ inspection }, job) => {
      await loadZstdDecoder();
      return await this.overTables(inspection, job, (inspected) => verifyCompressedClusters(inspected, this.host.codecs));
    },
    // Seldom wanted, and needs nothing of what is here: loaded with the first search.
    search: async ({ inspection, view, needle, from, backwards }, job) => {
      const bad = badCount("from", from, Number.MAX_SAFE_INTEGER) ?? badCount("needle", needle.length, MAX_NEEDLE_BYTES);
      if (bad !== null) return bad;
      if (needle.length === 0) return err({ kind: "option", option: "needle", found: "no bytes", allowed: `1 to ${MAX_NEEDLE_BYTES} bytes` });
      const { searchBytes } = await import("../inspect/search.ts");
      // The inspection may have ended meanwhile.
      if (job.cancelled) return err(CANCELLED);
      const search = (searched: Searched): Promise<Outcome<"search">> => job.outcome(safely(whole(searchBytes(searched, needle, from, backwards), (offset) => ({ offset }))));
      return await this.inspections.withFile(inspection, async ({ store, container }) => {
        if (view === "host") return await search({ size: store.size(), read: (offset, into) => readPadded(store, offset, into) });
        return await this.inspections.withDisk(inspection, container, (device) => search(searchedDisk(device)));
      });
    },
    repairPlan: ({ inspection, mode }, job) =>
      this.inspections.withFile(inspection, async (opened) => {
        const tables = tablesToCheck(opened);
        return tables.ok ? await planRepair(tables.value, opened.file, mode, this.host.codecs, this.host.now, job) : tables;
      }),
    saveAs: ({ inspection, form, to }, job) => this.saveAs(inspection, form, { library: this.host.library, now: this.host.now, job, to }),
  };

  /** Long work over the tables of a file. @param work is told why its header is none for a reader, where only a check takes it */
  private async overTables<Value>(inspection: number, job: Job, work: (inspected: Inspected, wrong: ImageProblem | null) => Work<Value>): Promise<Result<Value, Failure>> {
    return await this.inspections.withFile(inspection, async (opened) => {
      const tables = tablesToCheck(opened);
      if (!tables.ok) return tables;
      const wrong = opened.inspected === null ? opened.header!.report.problem : null;
      return await job.outcome(safely(whole(work(tables.value, wrong), (value) => value)));
    });
  }

  private async saveAs(inspection: number, form: RequestOf<"saveAs">["form"], saving: Saving): Promise<Outcome<"saveAs">> {
    return await this.inspections.withFile(inspection, async ({ store, container }) => {
      const withDisk = (act: (device: Device) => Promise<Outcome<"saveAs">>): Promise<Outcome<"saveAs">> => this.inspections.withDisk(inspection, container, act);
      if (form.format !== "range") return await withDisk((device) => saveDisk(saving, device, form));
      const { offset, lengthBytes } = form;
      const fits = (size: number): Outcome<"saveAs"> | null => badCount("offset", offset, size) ?? badCount("length", lengthBytes, size - offset);
      if (form.view === "host") return fits(store.size()) ?? (await saveBytes(saving, (at, into) => readPadded(store, at, into), offset, lengthBytes));
      return await withDisk(async (device) => fits(device.disk.virtualSize) ?? (await saveBytes(saving, (at, into) => readDevice(device, at, into), offset, lengthBytes)));
    });
  }

  private async lookInto(inspection: number): Promise<Result<{ identity: FileIdentity; header: HeaderReport | null }, Failure>> {
    return await this.inspections.withFile(inspection, async (opened) => {
      const file = identifyFile(opened.store);
      const contents = await this.contentsOf(inspection, opened);
      const identity = { ...file, contents: contents ?? [], contentsUnread: contents === null };
      const report = opened.header?.report ?? null;
      return ok({ identity, header: report && { ...report, needs: await this.findNeeded(inspection, opened, report.needs) } });
    });
  }

  /** What lies on the disk; null where it cannot be read, for whatever reason. */
  private async contentsOf(inspection: number, { container }: Opened): Promise<readonly GuestMark[] | null> {
    if (container === "empty") return [];
    const found = await import("../inspect/guest-content.ts")
      .then(({ guestContents }) =>
        this.inspections.withDisk(inspection, container, async (device) => atBorder(() => ok(guestContents((offset, into) => readDevice(device, offset, into), device.disk.virtualSize)))),
      )
      .catch((): null => null);
    return found !== null && found.ok ? found.value : null;
  }

  private async findNeeded(inspection: number, opened: Opened, needs: readonly NeededFile[]): Promise<NeededFile[]> {
    const found: NeededFile[] = [];
    for (const need of needs) {
      // A name in words that no file of this program has is missing, too.
      const source = await sourceBeside(this.host.library, opened.file, { file: need.name, format: null });
      found.push({ ...need, found: source.ok ? await this.inspections.find(inspection, source.value.file) : null });
    }
    return found;
  }

  private async locate(request: RequestOf<"locate">, job: Job): Promise<Outcome<"locate">> {
    return await this.inspections.withFile(request.inspection, async (opened) => {
      const tables = tablesToCheck(opened);
      if (!tables.ok) return tables;
      const { virtualSize } = tables.value.header;
      const zones = opened.live?.zones ?? null;
      const live: Locating["live"] = (zone) => {
        if (zones === null) return null;
        const view = zones.view(zoneIndex(zone));
        return { condition: zones.conditionOf(view.zone), writePointer: view.writePointer };
      };
      const locating: Locating = { inspected: tables.value, report: opened.header!.report, live };
      if ("hostOffset" in request) {
        const bad = badCount("hostOffset", request.hostOffset, opened.store.size() - 1);
        return bad ?? (await job.outcome(safely(whole(placeOfHost(locating, request.hostOffset), (place) => place))));
      }
      if ("zone" in request) {
        const bad = badCount("zone", request.zone, (tables.value.zoned?.geometry.zoneCount ?? 0) - 1);
        return bad ?? atBorder(() => ok(placeOfZone(locating, request.zone)));
      }
      const bad = badCount("guestOffset", request.guestOffset, virtualSize - 1);
      return bad ?? atBorder(() => ok(placeOfGuest(locating, request.guestOffset)));
    });
  }
}

function* whole<Value, Reply>(work: Work<Value>, replyOf: (value: Value) => Reply): Work<Result<Reply, Failure>> {
  return ok(replyOf(yield* work));
}

/** The disk to search, without reading what is not stored. */
function searchedDisk(device: Device): Searched {
  const { disk } = device;
  return {
    size: disk.virtualSize,
    read: (offset, into) => readDevice(device, offset, into),
    zerosAt: (offset, length) => {
      const first = disk.map(offset, length, 1).extents[0];
      return first?.zero === true ? first.length : 0;
    },
  };
}

function badCount(option: string, value: number, most: number): { readonly ok: false; readonly error: Failure } | null {
  const fits = Number.isSafeInteger(value) && value >= 0 && value <= most;
  return fits ? null : err({ kind: "option", option, found: String(value), allowed: most < 0 ? "nothing: there is none" : `0 to ${most}` });
}

interface Bytes {
  readonly data: Uint8Array;
  readonly total: number;
  readonly spans: readonly ByteSpan[];
}

function hostBytes({ store, inspected, header }: Opened, offset: number, length: number): Bytes {
  const total = store.size();
  const data = new Uint8Array(Math.max(0, Math.min(length, total - offset)));
  if (data.length === 0) return { data, total, spans: [] };
  const count = store.read(offset, data);
  const broken = header === null ? [] : headerSpans(header.report).filter((span) => span.hostOffset < offset + length && span.hostOffset + span.lengthBytes > offset);
  return { data: data.subarray(0, count), total, spans: inspected === null ? broken : spansWithin(inspected, header!.report, offset, data.length) };
}

/** Of the disk, each stretch that is stored in the file itself with where that is. */
function guestBytes(device: Device, offset: number, length: number): Bytes {
  const total = device.disk.virtualSize;
  const data = new Uint8Array(Math.max(0, Math.min(length, total - offset)));
  if (data.length === 0) return { data, total, spans: [] };
  readDevice(device, offset, data);
  const { extents } = device.disk.map(offset, data.length, MAX_RUNS);
  const stored = extents.filter((extent) => extent.depth === 0 && extent.hostOffset !== null);
  return { data, total, spans: stored.map((extent) => ({ hostOffset: extent.hostOffset!, lengthBytes: extent.length, structure: extent.data ? "guest data" : "zeros", field: "", guestOffset: extent.start })) };
}
