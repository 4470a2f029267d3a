/**
 * The calls that made the attached image what it is, from its creation on: what "fork from here" plays again into a new image,
 * what a script of qemu-io or blkzone says, and what was done to a zone last. Bounded; a tape that is full, or that missed
 * something, is not complete and says so.
 *
 * Records what went through the page, and what a guest asked of its disk, refusals included: a command over a range may have done a part
 * before it was refused. What was written is kept up to a budget; beyond it the tape knows where and how much, and plays another byte.
 */
import { LEFT_OUT_BYTE, MOST_TOLD_BYTES } from "../protocol/index.ts";
import type { CallName, CreateOptions, Failure, Outcome, Perform, RequestOf } from "../protocol/index.ts";

/** Calls that are played again as they were. */
const TAPED = ["write", "writeZeroes", "discard", "manage", "wear", "append", "powerCycle", "setProfile", "repair", "flush"] as const;
type TapedName = (typeof TAPED)[number];
/** Calls that leave every image's zones and bytes as they are. */
const HARMLESS: ReadonlySet<string> = new Set(["open", "close", "facts", "watch", "read", "check", "flush", "report", "map", "dialect", "listFiles", "adopt", "exportFile", "takeOver", "scratch", "zoneSteps", "listSnapshots"]);

export type TapedCall = { [Name in TapedName]: { readonly name: Name; readonly request: Omit<RequestOf<Name>, "handle"> } }[TapedName];

/** Calls that are refused for zones and otherwise before anything has changed: refused, they are as good as not made. */
const REFUSED_UNCHANGED: ReadonlySet<string> = new Set(["createSnapshot", "applySnapshot", "deleteSnapshot", "changeBitmap", "resize"]);

export interface TapeEntry {
  readonly call: TapedCall;
  /** Where an append landed, a guest byte offset; null for other calls and for one that was refused. */
  readonly landed: number | null;
  /** Why it was not done, or not wholly; null when it was. */
  readonly failure: Failure | null;
  /** A guest asked for it, not the page. */
  readonly byGuest: boolean;
  /** It wrote so many bytes that are not kept: LEFT_OUT_BYTE stands for each. */
  readonly leftOutBytes: number;
  /** Events of the log before the call, and with it. */
  readonly from: number;
  readonly to: number;
}

/** Who made a call, and whether its bytes came along. */
export interface Teller {
  readonly byGuest: boolean;
  readonly leftOut: boolean;
}
const THE_PAGE: Teller = { byGuest: false, leftOut: false };

/** Calls that a power cut undid: those from `first` to before `cut`, where it stands itself. Indices of entries. */
interface Undone {
  readonly first: number;
  readonly cut: number;
}

const MOST_ENTRIES = 100_000;
const MOST_DATA_BYTES = MOST_TOLD_BYTES;

export class Tape {
  file: string | null = null;
  /** What the image was created with; null for one that was there before. */
  created: CreateOptions | null = null;
  /** Whether nothing was missed since the creation. */
  complete = false;
  /** The call that this tape cannot play again, by name, or who else changed the image; null while there was none. */
  missed: string | null = null;
  entries: TapeEntry[] = [];
  private dataBytes = 0;
  private readonly handles = new Map<number, string>();
  /** Whether the image was open since it was created: opening it again is a power cycle. */
  private opened = false;
  /** Everything before this entry, and every event before this position of the log, no power cut undoes. */
  private durableEntries = 0;
  private durableEvents = 0;
  private undone: Undone[] = [];

  /** Begins anew for an image that was there already. */
  begin(file: string, created: CreateOptions | null = null): void {
    this.file = file;
    this.created = created;
    this.complete = created !== null;
    this.missed = null;
    this.erase();
  }

  /** Nothing is known any more: the engine was ended, and its handles are counted anew. */
  forget(): void {
    this.file = null;
    this.created = null;
    this.complete = false;
    this.missed = null;
    this.erase();
    this.handles.clear();
  }

  private erase(): void {
    this.entries = [];
    this.dataBytes = 0;
    this.opened = false;
    this.durableEntries = 0;
    this.durableEvents = 0;
    this.undone = [];
  }

  /** Something changes the image from now on that is not heard here. */
  miss(what: string): void {
    this.complete = false;
    this.missed ??= what;
  }

  /** An open image was flushed; so many events of the log had happened then, the flush among them. */
  flushed(handle: number, events: number): void {
    if (this.handles.get(handle) === this.file) this.durableEvents = events;
  }

  /** @param from events of the log before the call, `to` with it */
  heard<Name extends CallName>(name: Name, request: RequestOf<Name>, outcome: Outcome<Name>, from: number, to: number, teller = THE_PAGE): void {
    const reply = outcome.ok ? outcome.value : null;
    // It is as good as not asked for: the disk heard nothing of it.
    if (!outcome.ok && outcome.error.kind === "usage" && UNHEARD.has(outcome.error.code)) return;
    if (name === "create" && reply !== null) {
      const { file, options } = request as RequestOf<"create">;
      this.begin(file, options);
      return;
    }
    // What is written to an image that was opened for the time being is gone with the handle, and nothing happened to the file.
    if (name === "open" && reply !== null && (request as RequestOf<"open">).temporary !== true) this.noteOpened((request as RequestOf<"open">).file, (reply as { handle: number }).handle, from, to);
    if (name === "rename" && reply !== null) {
      const { from: before, to: after } = request as RequestOf<"rename">;
      if (before === this.file) this.file = after;
      return;
    }
    if (HARMLESS.has(name) && !(teller.byGuest && isTaped(name))) return;
    const { handle, ...rest } = request as { handle?: number };
    if (isTaped(name)) {
      const landed = name === "append" && reply !== null ? (reply as { offset: number }).offset : null;
      if (handle !== undefined && this.handles.get(handle) === this.file) this.add({ name, request: rest } as TapedCall, { landed, failure: outcome.ok ? null : outcome.error, from, to, ...teller });
      return;
    }
    if (name === "powerCut" && reply !== null && handle !== undefined && this.handles.get(handle) === this.file) return this.cut(from, to);
    if (reply === null && REFUSED_UNCHANGED.has(name)) return;
    // A call that this tape does not know, about this image: what it did is missing here.
    const { target } = rest as { target?: unknown };
    const byHandle = [handle, target].some((value) => typeof value === "number" && this.handles.get(value) === this.file);
    const about = this.file !== null && (byHandle || JSON.stringify(rest).includes(JSON.stringify(this.file)));
    const onlyReads = name === "copy" && (request as RequestOf<"copy">).to !== this.file;
    // A commit writes into an image that it names by its overlay.
    if (onlyReads || (!about && name !== "commit")) return;
    this.miss(name);
  }

  private noteOpened(file: string, handle: number, from: number, to: number): void {
    this.handles.set(handle, file);
    if (file !== this.file) return;
    if (this.opened) this.add(POWER_CYCLE, { ...NOTHING_SPECIAL, from, to });
    this.opened = true;
    this.durableEntries = this.entries.length;
    this.durableEvents = 0;
  }

  /** What no flush had made durable is undone, and the device begins with what its file has. */
  private cut(from: number, to: number): void {
    const { durableEvents, durableEntries } = this;
    // A call may have flushed before it did its own work: what it did after that is undone.
    const first = this.entries.findIndex((entry, index) => index >= durableEntries && (entry.to > durableEvents || entry.from >= durableEvents));
    if (first >= 0) this.undone.push({ first, cut: this.entries.length });
    this.add(POWER_CYCLE, { ...NOTHING_SPECIAL, from, to });
    this.durableEntries = this.entries.length;
  }

  private add(call: TapedCall, { leftOut, ...about }: Omit<TapeEntry, "call" | "leftOutBytes"> & Teller): void {
    if (this.entries.length >= MOST_ENTRIES) {
      this.complete = false;
      return;
    }
    const bytes = bytesWritten(call);
    const carried = carriedBytes(call);
    const fits = this.dataBytes + carried <= MOST_DATA_BYTES;
    if (fits) this.dataBytes += carried;
    this.entries.push({ ...about, call: fits ? call : withoutBytes(call), leftOutBytes: leftOut || !fits ? bytes : 0 });
  }

  /** Bytes that the entries wrote and the tape does not have. */
  static leftOut(entries: readonly TapeEntry[]): number {
    return entries.reduce((sum, { leftOutBytes, failure }) => sum + (failure === null ? leftOutBytes : 0), 0);
  }

  /** Calls that power cuts undid before a moment. */
  undoneBefore(moment: number): number {
    const end = this.endOf(moment);
    return this.undone.reduce((sum, { first, cut }) => sum + (cut < end ? cut - first : 0), 0);
  }

  /** The entries that belong to a moment: those begun before it, and not undone by then. @param moment events that had happened */
  until(moment: number): readonly TapeEntry[] {
    const end = this.endOf(moment);
    const undone = this.undone.filter(({ cut }) => cut < end);
    const entries = this.entries.slice(0, end);
    return undone.length === 0 ? entries : entries.filter((_, index) => !undone.some(({ first, cut }) => index >= first && index < cut));
  }

  /** Whether any entry had begun before a moment. */
  hasBegun(moment: number): boolean {
    const [first] = this.entries;
    return first !== undefined && isBefore(first, moment);
  }

  /** How many entries had begun before a moment. */
  private endOf(moment: number): number {
    // Positions only grow: the end is found by halving.
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(this.entries[middle]!, moment)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Whether a moment lies in the midst of a call's events. */
  isWithin(moment: number): boolean {
    const last = this.entries[this.endOf(moment) - 1];
    return last !== undefined && last.to > moment;
  }

  /** The newest calls that touched a range of guest bytes, newest first, undone ones too. */
  about(start: number, end: number, moment: number, limit: number): readonly TapeEntry[] {
    const found: TapeEntry[] = [];
    for (let index = this.endOf(moment) - 1, seen = 0; index >= 0 && found.length < limit && seen < 20_000; index--, seen++) {
      const entry = this.entries[index]!;
      if (touches(entry.call, start, end)) found.push(entry);
    }
    return found;
  }
}

const POWER_CYCLE: TapedCall = { name: "powerCycle", request: {} };
const NOTHING_SPECIAL = { landed: null, failure: null, byGuest: false, leftOut: false };
/** Codes of calls that the engine did not hand to a disk. */
const UNHEARD: ReadonlySet<string> = new Set(["lent", "closed-handle"]);

function bytesWritten(call: TapedCall): number {
  if (call.name === "append") return call.request.lengths.reduce((sum, length) => sum + length, 0);
  return call.name === "write" ? call.request.length : 0;
}

const carriedBytes = (call: TapedCall): number => (call.name === "write" || call.name === "append" ? (call.request.data?.length ?? 0) : 0);

/** The same call, that writes as many bytes. */
function withoutBytes(call: TapedCall): TapedCall {
  if (call.name === "write") return { ...call, request: { ...call.request, data: null, pattern: LEFT_OUT_BYTE } };
  return call.name === "append" ? { ...call, request: { ...call.request, data: null, pattern: LEFT_OUT_BYTE } } : call;
}

/** A call that made no event belongs to the moment at which it was made. */
const isBefore = ({ from, to }: TapeEntry, moment: number): boolean => from < moment || (from === to && from <= moment);

const isTaped = (name: CallName): name is TapedName => (TAPED as readonly string[]).includes(name);

function touches(call: TapedCall, start: number, end: number): boolean {
  switch (call.name) {
    case "powerCycle":
    case "setProfile":
    case "repair":
    case "flush":
      return false;
    case "append":
    case "wear":
      return call.request.offset >= start && call.request.offset < end;
    default:
      return call.request.offset < end && call.request.offset + call.request.length > start;
  }
}

/** Plays one call again on another image. */
export function play(call: TapedCall, handle: number, perform: Perform): ReturnType<Perform> {
  return perform(call.name, { ...call.request, handle });
}
