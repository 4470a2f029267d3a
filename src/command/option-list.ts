/**
 * QEMU's option lists: "key=value,key=value", a doubled comma standing for one, a bare key meaning "key=on" (and "nokey",
 * long deprecated, not understood here).
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";

export interface OptionPair {
  readonly key: string;
  readonly value: string;
}

/** Splits one list. err: the list has a leading comma, a lone one at its end, or nothing in it, which qemu-img refuses as a whole. */
export function splitOptionList(list: string): Result<readonly OptionPair[], "malformed"> {
  const parts = partsOf(list);
  if (list === "" || list.startsWith(",") || parts[parts.length - 1] === "") return err("malformed");
  return ok(parts.filter((part) => part !== "").map(pair));
}

/** Whether one of the lists asks what options there are, with "help" or "?" for an option. */
export const asksForHelp = (lists: readonly string[]): boolean => lists.some((list) => partsOf(list).some((part) => part === "help" || part === "?"));

/** What stands between lone commas, a doubled one standing for one. */
function partsOf(list: string): string[] {
  const parts: string[] = [""];
  for (let index = 0; index < list.length; index++) {
    const character = list[index]!;
    if (character !== ",") parts[parts.length - 1] += character;
    else if (list[index + 1] === ",") {
      parts[parts.length - 1] += ",";
      index++;
    } else parts.push("");
  }
  return parts;
}

/** The list that splits into these pairs again. */
export const joinOptionList = (pairs: readonly OptionPair[]): string => pairs.map(({ key, value }) => `${key}=${value}`.replaceAll(",", ",,")).join(",");

function pair(part: string): OptionPair {
  const equals = part.indexOf("=");
  return equals === -1 ? { key: part, value: "on" } : { key: part.slice(0, equals), value: part.slice(equals + 1) };
}
