/**
 * A cpio archive of the kind that Linux takes as its initial file system ("newc"), the same bytes for the same contents: no times, no
 * owners, numbers by order.
 *
 * Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
 */

/** @typedef {{ path: string, mode: number, data?: Uint8Array, device?: readonly [major: number, minor: number] }} Entry */

const FOLDER = 0o040755;
const PROGRAM = 0o100755;
const LINK = 0o120777;
const CHARACTER_DEVICE = 0o020600;

/** @type {(path: string) => Entry} */
export const folder = (path) => ({ path, mode: FOLDER });
/** @type {(path: string, data: Uint8Array) => Entry} */
export const program = (path, data) => ({ path, mode: PROGRAM, data });
/** @type {(path: string, target: string) => Entry} */
export const link = (path, target) => ({ path, mode: LINK, data: Buffer.from(target) });
/** @type {(path: string, major: number, minor: number) => Entry} */
export const characterDevice = (path, major, minor) => ({ path, mode: CHARACTER_DEVICE, device: [major, minor] });

/**
 * @param {readonly Entry[]} entries folders before what lies in them
 * @returns {Buffer}
 */
export function cpio(entries) {
  const pieces = entries.map((entry, index) => record(entry, index + 1));
  return Buffer.concat([...pieces, record({ path: "TRAILER!!!", mode: 0 }, 0)]);
}

/**
 * @param {Entry} entry
 * @param {number} inode
 */
function record({ path, mode, data = new Uint8Array(), device = [0, 0] }, inode) {
  const name = Buffer.from(`${path}\0`);
  const fields = [inode, mode, 0, 0, 1, 0, data.length, 0, 0, ...device, name.length, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0").toUpperCase()).join("")}`;
  return Buffer.concat([padded(Buffer.concat([Buffer.from(header), name])), padded(Buffer.from(data))]);
}

/** @param {Buffer} bytes filled to a multiple of four */
const padded = (bytes) => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
