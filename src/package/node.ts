/**
 * `zonescope/node`: files of a computer for zonescope/engine, in Node.
 * @module
 */
import { closeSync, openSync } from "node:fs";
import type { ByteStore } from "../bytes/byte-store.ts";
import { NodeFiles } from "../bytes/node-files.ts";
import { NodeStore } from "../bytes/node-store.ts";

/** A folder and the names in it, absolute paths too: where an image and what it stands on are found as qemu-img would. */
export class Folder extends NodeFiles {}

/**
 * One file as a byte store. Close it when no image uses it any more.
 * @param mode "create" makes the file, or empties it
 * @throws what Node throws for a file that cannot be opened
 */
export function fileStore(path: string, mode: "read" | "write" | "create" = "read"): ByteStore {
  const descriptor = openSync(path, { read: "r", write: "r+", create: "w+" }[mode]);
  try {
    return new NodeStore(path, descriptor, mode === "read");
  } catch (thrown) {
    closeSync(descriptor);
    throw thrown;
  }
}
