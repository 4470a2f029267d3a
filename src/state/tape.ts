/**
 * The calls that made the attached image what it is, from its creation on: what "fork from here" plays again into a new image,
 * what a script of qemu-io or blkzone says, and what was done to a zone last. Bounded; a tape that is full, or that missed
 * something, is not complete and says so.
 *
 * Records what went through the page, refusals included: a command over a range may have done a part before it was refused.
 */
import type { CallName, CreateOptions, Perform, RequestOf } from "../protocol/index.ts";

/** Calls that are played again as they were. */
const TAPED = ["write", "writeZeroes", "discard", "manage", "wear", "append", "powerCycle", "setProfile", "repair"] as const;
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
  /** Events of the log before the call, and with it. */
  readonly from: number;
  readonly to: number;
}

const MOST_ENTRIES = 100_000;
const MOST_DATA_BYTES = 64 * 1024 * 1024;

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

  /** Begins anew for an image that was there already. */
  begin(file: string, created: CreateOptions | null = null): void {
    this.file = file;
    this.created = created;
    this.complete = created !== null;
    this.missed = null;
    this.entries = [];
    this.dataBytes = 0;
    this.opened = false;
  }

  /** Nothing is known any more: the engine was ended, and its handles are counted anew. */
  forget(): void {
    this.file = null;
    this.created = null;
    this.complete = false;
    this.missed = null;
    this.entries = [];
    this.dataBytes = 0;
    this.handles.clear();
    this.opened = false;
  }

  /** Something changes the image from now on that is not heard here. */
  miss(what: string): void {
    this.complete = false;
    this.missed ??= what;
  }

  /** @param from events of the log before the call, `to` with it */
  heard<Name extends CallName>(name: Name, request: RequestOf<Name>, reply: unknown, from: number, to: number): void {
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
    if (HARMLESS.has(name)) return;
    const { handle, ...rest } = request as { handle?: number };
    if (isTaped(name)) {
      const landed = name === "append" && reply !== null ? (reply as { offset: number }).offset : null;
      if (handle !== undefined && this.handles.get(handle) === this.file) this.add({ name, request: rest } as TapedCall, landed, from, to);
      return;
    }
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
    if (this.opened) this.add({ name: "powerCycle", request: {} }, null, from, to);
    this.opened = true;
  }

  private add(call: TapedCall, landed: number | null, from: number, to: number): void {
    if (call.name === "write" || call.name === "append") this.dataBytes += call.request.data?.length ?? 0;
    if (this.entries.length >= MOST_ENTRIES || this.dataBytes > MOST_DATA_BYTES) {
      this.complete = false;
      return;
    }
    this.entries.push({ call, landed, from, to });
  }

  /** The entries that belong to a moment: those begun before it. @param moment events that had happened */
  until(moment: number): readonly TapeEntry[] {
    // Positions only grow: the end is found by halving.
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(this.entries[middle]!, moment)) low = middle + 1;
      else high = middle;
    }
    return this.entries.slice(0, low);
  }

  /** Whether a moment lies in the midst of a call's events. */
  isWithin(moment: number): boolean {
    const last = this.until(moment).at(-1);
    return last !== undefined && last.to > moment;
  }

  /** The newest calls that touched a range of guest bytes, newest first. */
  about(start: number, end: number, moment: number, limit: number): readonly TapedCall[] {
    const found: TapedCall[] = [];
    for (let index = this.until(moment).length - 1, seen = 0; index >= 0 && found.length < limit && seen < 20_000; index--, seen++) {
      const { call } = this.entries[index]!;
      if (touches(call, start, end)) found.push(call);
    }
    return found;
  }
}

/** A call that made no event belongs to the moment at which it was made. */
const isBefore = ({ from, to }: TapeEntry, moment: number): boolean => from < moment || (from === to && from <= moment);

const isTaped = (name: CallName): name is TapedName => (TAPED as readonly string[]).includes(name);

function touches(call: TapedCall, start: number, end: number): boolean {
  switch (call.name) {
    case "powerCycle":
    case "setProfile":
    case "repair":
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
