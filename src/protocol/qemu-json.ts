/**
 * JSON as QEMU reads it, whose strings may also stand in single quotes. Bounded in depth; a text that is none is told in a few
 * words. The standard parser would not do: command lines quote with what their shell leaves them.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

const MAX_DEPTH = 64;
const KEYWORDS: ReadonlyMap<string, JsonValue> = new Map<string, JsonValue>([["true", true], ["false", false], ["null", null]]);
const ESCAPES: ReadonlyMap<string, string> = new Map([["b", "\b"], ["f", "\f"], ["n", "\n"], ["r", "\r"], ["t", "\t"], ["/", "/"], ["\\", "\\"], ['"', '"'], ["'", "'"]]);

class Mistake {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** The value of a whole text; an error says in a few words what is wrong. */
export function parseQemuJson(text: string): Result<JsonValue, string> {
  const reader = new Reader(text);
  const value = reader.value(0);
  if (value instanceof Mistake) return err(value.text);
  return reader.atEnd() ? ok(value) : err("trailing characters behind the value");
}

class Reader {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  atEnd(): boolean {
    this.skipSpace();
    return this.at === this.text.length;
  }

  value(depth: number): JsonValue | Mistake {
    if (depth > MAX_DEPTH) return new Mistake("nesting too deep");
    this.skipSpace();
    const next = this.text[this.at];
    if (next === undefined) return new Mistake("premature EOI");
    if (next === "{") return this.object(depth);
    if (next === "[") return this.list(depth);
    if (next === '"' || next === "'") return this.string(next);
    return this.word();
  }

  private object(depth: number): JsonValue | Mistake {
    const entries = new Map<string, JsonValue>();
    this.at++;
    if (this.take("}")) return {};
    for (;;) {
      this.skipSpace();
      const quote = this.text[this.at];
      if (quote !== '"' && quote !== "'") return this.unexpected("a key in quotes");
      const key = this.string(quote);
      if (key instanceof Mistake) return key;
      if (!this.take(":")) return new Mistake("missing : in object pair");
      const value = this.value(depth + 1);
      if (value instanceof Mistake) return value;
      if (entries.has(key)) return new Mistake("duplicate key");
      entries.set(key, value);
      if (this.take("}")) return Object.fromEntries(entries);
      if (!this.take(",")) return new Mistake("expected separator in dict");
    }
  }

  private list(depth: number): JsonValue | Mistake {
    const items: JsonValue[] = [];
    this.at++;
    if (this.take("]")) return items;
    for (;;) {
      const value = this.value(depth + 1);
      if (value instanceof Mistake) return value;
      items.push(value);
      if (this.take("]")) return items;
      if (!this.take(",")) return new Mistake("expected separator in list");
    }
  }

  private string(quote: string): string | Mistake {
    let result = "";
    for (this.at++; this.at < this.text.length; this.at++) {
      const character = this.text[this.at]!;
      if (character === quote) {
        this.at++;
        return result;
      }
      if (character !== "\\") {
        result += character;
        continue;
      }
      const escape = this.text[++this.at] ?? "";
      const code = escape === "u" ? this.text.slice(this.at + 1, this.at + 5) : "";
      if (/^[0-9a-fA-F]{4}$/.test(code)) {
        result += String.fromCharCode(Number.parseInt(code, 16));
        this.at += 4;
      } else if (ESCAPES.has(escape)) result += ESCAPES.get(escape)!;
      else return new Mistake("invalid escape sequence in string");
    }
    return new Mistake("unterminated string");
  }

  private word(): JsonValue | Mistake {
    const word = /^[-+.\w]+/.exec(this.text.slice(this.at))?.[0] ?? "";
    if (word === "") return this.unexpected("a value");
    this.at += word.length;
    if (KEYWORDS.has(word)) return KEYWORDS.get(word)!;
    if (/^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/.test(word)) return Number(word);
    return new Mistake(`invalid keyword '${word}'`);
  }

  private take(character: string): boolean {
    this.skipSpace();
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  private skipSpace(): void {
    while (/\s/.test(this.text[this.at] ?? "")) this.at++;
  }

  private unexpected(wanted: string): Mistake {
    const found = this.text[this.at];
    const word = /^[a-z]+/.exec(this.text.slice(this.at))?.[0];
    if (word !== undefined && !KEYWORDS.has(word)) return new Mistake(`invalid keyword '${word}'`);
    return new Mistake(found === undefined ? "premature EOI" : `'${found}' where ${wanted} is expected`);
  }
}
