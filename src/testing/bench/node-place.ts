/** The bench's place in Node: files of a folder, and Node's own synchronous calls beside them. */
import { closeSync, fdatasyncSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { NodeFiles } from "../../bytes/node-files.ts";
import type { Place } from "./place.ts";

export function nodePlace(folder: string): Place {
  return {
    name: "Node over files",
    rawName: "raw file",
    aimedAt: false,
    files: new NodeFiles(folder),
    async createRaw(name) {
      const descriptor = openSync(join(folder, name), "w+");
      return {
        write: (offset, from) => void writeSync(descriptor, from, 0, from.length, offset),
        read: (offset, into) => void readSync(descriptor, into, 0, into.length, offset),
        flush: () => fdatasyncSync(descriptor),
        close: () => closeSync(descriptor),
      };
    },
    removeRaw: async (name) => unlinkSync(join(folder, name)),
  };
}
