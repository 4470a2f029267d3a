/** Which names are plain paths, and which begin with a protocol: what a name's reader has to know before it loads the rest of source-names.ts. */
export const FILE_PREFIX = "file:";
const PROTOCOL = /^([^/:]*):/;

/** The protocol that a name begins with; null for a path. @param ownPrefix a prefix with a colon that is no protocol but part of names here */
export const protocolOf = (name: string, ownPrefix: string): string | null => (name.startsWith(ownPrefix) ? null : (PROTOCOL.exec(name)?.[1] ?? null));

export const isPath = (name: string, ownPrefix: string): boolean => protocolOf(name, ownPrefix) === null;

/** The path behind `file:`. One that would now seem to begin with a protocol is said to begin here, as QEMU does it. */
export function behindPrefix(name: string): string {
  const path = name.slice(FILE_PREFIX.length);
  return PROTOCOL.test(path) ? `./${path}` : path;
}
