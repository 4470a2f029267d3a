/**
 * Reads JSON values strictly: each field by name, kind and bounds, and nothing beside them. What is wrong is told with its place in the
 * file, "steps[2].check.zone", what stands there and what may. Knows no lessons.
 */

/** One thing that is wrong with a file. `place` is a path into it, empty for the file as a whole. */
export interface Complaint {
  readonly place: string;
  /** What stands there, cut off after some characters; as somebody else wrote it. */
  readonly found: string;
  readonly allowed: string;
}

/** Beyond this many, what is wrong is clear. */
const MOST_COMPLAINTS = 20;
const MOST_SHOWN = 60;

/** What is wrong, gathered while reading goes on. */
export class Complaints {
  readonly list: Complaint[] = [];

  add(place: string, found: unknown, allowed: string): void {
    if (this.list.length >= MOST_COMPLAINTS) return;
    this.list.push({ place, found: shown(found), allowed });
  }
}

function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = jsonOf(value);
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text;
}

/** Lists within lists by the thousand are read by a platform that cannot write them. */
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return "what is nested too deep to show";
  }
}

/** Characters that turn the direction of text around, or are not seen: in a lesson they would show something else than it says. */
const UNSEEN = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udfff]/;
/** The same without what a pair of surrogates is: an emoji is text. */
const isText = (text: string): boolean => !UNSEEN.test(text.replace(/[\ud800-\udbff][\udc00-\udfff]/g, ""));

export function readText(value: unknown, place: string, most: number, complaints: Complaints): string {
  if (typeof value === "string" && value.trim() !== "" && value.length <= most && isText(value)) return value;
  complaints.add(place, value, `text of 1 to ${most} characters, all of them to be seen`);
  return "";
}

/** One object of the file and the place where it stands. Every field that is asked for is known; `end` complains of the others. */
export class Fields {
  private readonly value: Readonly<Record<string, unknown>>;
  private readonly known = new Set<string>();
  readonly place: string;
  readonly complaints: Complaints;

  constructor(value: unknown, place: string, complaints: Complaints) {
    this.place = place;
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    // Of what is no object it is enough to say so: that it has none of the fields nobody need hear.
    this.complaints = isObject ? complaints : new Complaints();
    if (!isObject) complaints.add(place, value, "an object");
    this.value = isObject ? (value as Record<string, unknown>) : {};
  }

  at(name: string): string {
    return this.place === "" ? name : `${this.place}.${name}`;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.value, name);
  }

  /** The value as it stands there; undefined where it is absent. */
  raw(name: string): unknown {
    this.known.add(name);
    return this.has(name) ? this.value[name] : undefined;
  }

  complain(name: string, allowed: string): void {
    this.complaints.add(this.at(name), this.raw(name), allowed);
  }

  text(name: string, most: number): string {
    return readText(this.raw(name), this.at(name), most, this.complaints);
  }

  matching(name: string, pattern: RegExp, allowed: string): string {
    const value = this.raw(name);
    if (typeof value === "string" && pattern.test(value)) return value;
    this.complain(name, allowed);
    return "";
  }

  integer(name: string, least: number, most: number): number {
    const value = this.raw(name);
    if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
    this.complain(name, `a whole number from ${least} to ${most}`);
    return least;
  }

  oneOf<Word extends string>(name: string, words: readonly Word[]): Word {
    const value = words.find((word) => word === this.raw(name));
    if (value !== undefined) return value;
    this.complain(name, `one of ${words.join(", ")}`);
    return words[0]!;
  }

  /** Each item is read by `read`, which gets its place. */
  list<Item>(name: string, least: number, most: number, read: (item: unknown, place: string) => Item): readonly Item[] {
    const value = this.raw(name);
    if (Array.isArray(value) && value.length >= least && value.length <= most) return value.map((item, index) => read(item, `${this.at(name)}[${index}]`));
    this.complain(name, `a list of ${least} to ${most}`);
    return [];
  }

  /** `read` where the field is there, nothing where it is not: for a spread. */
  optional<Name extends string, Value>(name: Name, read: () => Value): { readonly [Key in Name]?: Value } {
    return this.has(name) ? ({ [name]: read() } as { readonly [Key in Name]?: Value }) : {};
  }

  /** Complains of every field that nobody asked for. */
  end(): void {
    for (const name of Object.keys(this.value)) {
      if (!this.known.has(name)) this.complaints.add(this.at(name.slice(0, MOST_SHOWN)), this.value[name], "no field of that name");
    }
  }
}
