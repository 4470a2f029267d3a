/** Sessions of qemu-io over a drawn image: all commands whose outcome does not depend on the clock, now and then with a mistake in them. */
import type { Random } from "../../../src/base/random.ts";
import { drawRange } from "./draw-images.ts";
import type { DrawnImage } from "./draw-images.ts";
import { io } from "./twin.ts";
import type { Command } from "./twin.ts";

const flags = (random: Random, letters: string): string => {
  const chosen = [...letters].filter(() => random.chance(0.2)).join("");
  return chosen === "" ? "" : ` -${chosen}`;
};

const wrong = (random: Random, size: number): string => random.pick([`${size} 512`, `${size - 512} 1024`, "-1 512", "0 -512", "x 512", "0 1y", "511 1", "0 0", "0", "1 2 3", "0 4G", "9E 512", "8E 512"]);

/** A command; behind one that is only begun, the wait for it, since it says when it is done what it did. */
const lines = (random: Random, image: DrawnImage): string[] => {
  const drawn = line(random, image);
  return drawn.startsWith("aio_") && drawn !== "aio_flush" ? [drawn, "aio_flush"] : [drawn];
};

function line(random: Random, { size, clusterSize, snapshots }: DrawnImage): string {
  const [offset, length] = drawRange(random, size, clusterSize);
  const span = random.chance(0.06) ? wrong(random, size) : `${offset} ${length}`;
  const byte = random.below(256);
  const cluster = Math.floor(offset / clusterSize) * clusterSize;
  switch (random.below(26)) {
    case 0:
    case 1:
    case 2:
      return `write${flags(random, "fqCnur")} -P ${byte} ${span}`.replace(/ -(\w*)[nu]+(\w*)/, " -q");
    case 3:
    case 4:
      return `write -z${random.chance(0.5) ? "u" : ""}${random.chance(0.2) ? "n" : ""}${random.chance(0.1) ? "f" : ""} ${span}`;
    case 5:
      return `write -c${flags(random, "qC")} -P ${byte} ${cluster} ${Math.max(512, Math.min(clusterSize, size - cluster))}`;
    case 6:
      // Of several clusters of which one is in use, stock writes some: which, its threads decide.
      return `write -c -P ${byte} ${offset} ${Math.min(length, clusterSize)}`;
    case 7:
      return `write${flags(random, "bCfnqruz")} ${span}`;
    case 8:
      return `writev${flags(random, "qf")} -P ${byte} ${offset} ${Math.ceil(length / 2)} ${Math.floor(length / 2)}`;
    case 9:
      return `aio_write${flags(random, "fuz")} ${span}`;
    case 10:
      return `aio_read${flags(random, "qvi")} ${span}`;
    case 11:
    case 12:
      return `discard${flags(random, "q")} ${span}`;
    case 13:
      return `aio_discard ${span}`;
    case 14:
    case 15:
    case 16:
      return `read${flags(random, "aqvr")} ${random.chance(0.3) ? `-P ${byte} ` : ""}${span}`;
    case 17:
      return `read -P ${byte} -s ${random.below(length)} -l ${1 + random.below(length)} ${span}`;
    case 18:
      return `readv -v ${offset} ${Math.ceil(length / 2)} ${Math.floor(length / 2)}`;
    case 19:
      return `alloc ${offset} ${random.chance(0.5) ? length : ""}`;
    case 20:
      return "map";
    case 21:
      return random.pick(["length", "info", "flush", "aio_flush"]);
    case 22:
      return `truncate${random.chance(0.3) ? ` -m ${random.pick(["off", "metadata", "falloc", "full", "some"])}` : ""} ${random.pick([size + 512, size + clusterSize, size * 2, size + 7, Math.floor(size / 2), size])}`;
    case 23:
      return `reopen ${random.pick(["-r", "-w", "", "-c none", "-c writethrough", "-o lazy-refcounts=on", "-o discard=unmap", "-o detect-zeroes=on", "-o detect-zeroes=unmap,discard=unmap", "-o overlap-check=all", "-o pass-discard-request=off", "-o size=512", "-r -w", "-o x=y", "-o backing=x", "-o discard-no-unref=on"])}`;
    case 24:
      return `${random.pick(["write -b", "read -b"])} ${random.below(8) * 512} ${512 * (1 + random.below(3))}`;
    default:
      return random.pick(["help nothing", "nothing", "write", "read 0", "close", "quit", "resume a", "sleep 1", "write -x 0 512", "open", `open a.qcow2`, ...snapshots.map((name) => `read -q 0 512 ${name}`)]);
  }
}

/** One session over an image, opened one way or another. */
export function drawSession(random: Random, image: DrawnImage): Command {
  const { file, format } = image;
  const script = Array.from({ length: 1 + random.below(8) }, () => lines(random, image)).flat();
  const opened = random.below(10);
  const child = `driver=${format},file.filename=${file}`;
  if (opened === 0) return io(["--image-opts"], random.pick([child, `${child},discard=unmap`, `${child},lazy-refcounts=on`, `${child},overlap-check=none`, `${child},discard=unmap,detect-zeroes=unmap`, `${child},file.driver=file`, `${child},read-only=on`, `${child},l2-cache-entry-size=512`, `${child},discard-no-unref=on`]), script);
  if (opened === 1) return io([], `json:${JSON.stringify({ driver: format, file: { driver: "file", filename: file }, ...(random.chance(0.5) ? { discard: "unmap" } : {}) })}`, script);
  const modes = [...(random.chance(0.6) ? ["-d", format === "raw" ? "ignore" : random.pick(["unmap", "unmap", "ignore", "on", "off"])] : []), ...(random.chance(0.3) ? ["-t", random.pick(["none", "writethrough", "writeback", "unsafe", "directsync"])] : []), ...(random.chance(0.08) ? ["-r"] : []), ...(random.chance(0.05) ? ["-s"] : []), ...(random.chance(0.05) ? ["-C"] : [])];
  return io([...modes, ...(format === "raw" || random.chance(0.8) ? ["-f", format] : [])], file, script);
}
