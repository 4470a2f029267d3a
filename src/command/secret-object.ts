/**
 * --object of QEMU's programs: a secret is taken, and refused where it is told wrongly. Nothing is decrypted here, so that no secret
 * is ever used: an image that wants one says by itself that its data is encrypted.
 */
import { splitOptionList } from "./option-list.ts";

const SECRET_OPTIONS = ["id", "data", "file", "format", "keyid", "iv"];

/** QEMU's complaint about the first object of several that is told wrongly, or whose id was given before; null if all is well. */
export function mistakenObjects(texts: readonly string[]): string | null {
  const ids = new Set<string>();
  for (const text of texts) {
    const mistake = mistakenObject(text);
    if (mistake !== null) return mistake;
    const id = idOf(text);
    if (ids.has(id)) return `attempt to add duplicate property '${id}' to object (type 'container')`;
    ids.add(id);
  }
  return null;
}

function idOf(text: string): string {
  const parts = splitOptionList(text);
  return parts.ok ? (parts.value.find(({ key }) => key === "id")?.value ?? "") : "";
}

/** Objects of a machine, which QEMU knows and its tools do not make. */
const OF_A_MACHINE = ["iothread", "main-loop", "memory-backend-file", "memory-backend-ram", "rng-random"];

/** QEMU's complaint about an object; null if all is well. */
function mistakenObject(text: string): string | null {
  const parts = splitOptionList(text);
  if (!parts.ok) return `Invalid parameter '${text}'`;
  const [first, ...rest] = parts.value;
  const implied = first !== undefined && !text.split(",")[0]!.includes("=");
  const type = implied ? first.key : parts.value.find(({ key }) => key === "qom-type")?.value;
  const options = implied ? rest : parts.value.filter(({ key }) => key !== "qom-type");
  if (type === undefined) return "Parameter 'qom-type' is missing";
  if (OF_A_MACHINE.includes(type)) return options.some(({ key }) => key === "id") ? `invalid object type: ${type}` : "Parameter 'id' is missing";
  if (type !== "secret") return `Parameter 'qom-type' does not accept value '${type}'`;
  if (!options.some(({ key }) => key === "id")) return "Parameter 'id' is missing";
  const unknown = options.find(({ key }) => !SECRET_OPTIONS.includes(key));
  if (unknown !== undefined) return `Parameter '${unknown.key}' is unexpected`;
  const sources = options.filter(({ key }) => key === "data" || key === "file").length;
  if (sources === 0) return "Either 'file' or 'data' must be provided";
  return sources === 1 ? null : "'file' and 'data' are mutually exclusive";
}
