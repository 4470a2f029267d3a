/**
 * Lines of qemu-img with the options that the other scripts leave out: several sources and targets that are there, images named by options,
 * long names, dd onto what is there, several changes of a bitmap at once, chains that are cut. Mistakes are seldom: their order is drawn there.
 */
import type { Random } from "../../../src/base/random.ts";
import type { DrawnFolder, DrawnImage } from "./draw-images.ts";
import { img, io } from "./twin.ts";
import type { Command } from "./twin.ts";

type Words = readonly string[];

const some = (random: Random, chance: number, ...choices: readonly Words[]): string[] => choices.flatMap((words) => (random.chance(chance) ? words : []));
const fileOf = (random: Random, { images }: DrawnFolder): string => random.pick(images).file;
const CACHES = ["none", "writethrough", "writeback", "unsafe", "directsync", "directsync"];
const CREATED = ["cluster_size=512", "cluster_size=4k", "cluster_size=16k", "cluster_size=2M", "extended_l2=on", "compression_type=zstd", "lazy_refcounts=on", "refcount_bits=1", "refcount_bits=32", "compat=0.10", "compat=1.1", "preallocation=metadata", "preallocation=full", "data_file=n.data", "data_file_raw=on", "size=2M", "size=4k"];

/** Of -o, in one list or several. */
function created(random: Random): string[] {
  const list = Array.from({ length: random.pick([0, 1, 1, 2]) }, () => random.pick(CREATED));
  if (list.length === 0) return [];
  return random.chance(0.3) ? list.flatMap((option) => ["-o", option]) : ["-o", list.join(",")];
}

/** An image named as it comes: by its file, its options or JSON, with what a user sets there. */
function word(random: Random, { file, format }: DrawnImage): readonly [flags: Words, word: string] {
  const extra = format === "raw" ? "" : random.pick(["", "", ",lazy-refcounts=on", ",overlap-check=constant", ",backing=", ",l2-cache-size=64k", ",file.locking=off", ",read-only=on"]);
  if (random.chance(0.2)) return [["--image-opts"], `driver=${format},file.filename=${file}${extra}`];
  if (random.chance(0.1)) return [[], `json:${JSON.stringify({ driver: format, file: { driver: "file", filename: file } })}`];
  return [[random.pick(["-f", "-f", "-f"]), format], file];
}

function convert(random: Random, folder: DrawnFolder, image: DrawnImage): Command {
  const [flags, source] = word(random, image);
  const onto = random.chance(0.3);
  const format = random.pick(["qcow2", "qcow2", "raw"]);
  const snapshot = image.snapshots.length > 0 && random.chance(0.3) ? ["-l", random.pick([image.snapshots[0]!, "snapshot.id=1", `snapshot.name=${image.snapshots[0]!}`, "1", "snapshot.id=9"])] : [];
  const cache = some(random, 0.15, ["-t", random.pick(CACHES)], ["-T", random.pick(CACHES)]);
  const common = [...snapshot, ...cache, ...some(random, 0.15, ["-c"], ["-p"], ["-q"], ["-W"], ["--salvage"], ["-S", random.pick(["0", "4k", "512", "1M", "64k"])], ["-m", random.pick(["1", "3", "16"])], ["--bitmaps"])];
  if (onto && random.chance(0.4)) return img("convert", "-n", "--target-image-opts", ...common, ...flags, source, `driver=qcow2,file.filename=${fileOf(random, folder)}`);
  if (onto) return img("convert", "-n", ...some(random, 0.2, ["--target-is-zero"]), ...common, ...flags, "-O", "qcow2", source, fileOf(random, folder));
  const more = flags[0] === "-f" ? some(random, 0.15, [fileOf(random, folder)]) : [];
  const base = random.chance(0.25) ? random.pick<Words>([["-B", fileOf(random, folder), "-F", "qcow2"], ["-o", `backing_file=${fileOf(random, folder)},backing_fmt=qcow2`], ["-B", fileOf(random, folder)]]) : [];
  return img("convert", ...common, ...flags, "-O", format, ...(format === "raw" ? some(random, 0.3, ["-o", "preallocation=full"]) : created(random)), ...base, source, ...more, "out.qcow2");
}

function create(random: Random, folder: DrawnFolder): Command {
  const size = some(random, 0.8, [random.pick(["1M", "1m", "512", "1.5M", "65537", "0x10000", "1k", "3M", "1023", "0"])]);
  const base = random.chance(0.4) ? random.pick<Words>([["-b", fileOf(random, folder), "-F", "qcow2"], ["-b", "none", "-F", "qcow2"], ["-u", "-b", "none", "-F", "raw"], ["-F", "qcow2"], ["-o", `backing_file=${fileOf(random, folder)},backing_fmt=qcow2`], ["-b", fileOf(random, folder)]]) : [];
  return img("create", ...some(random, 0.3, ["-q"]), ...random.pick<Words>([["-f", "qcow2"], ["-f", "qcow2"], ["-f", "raw"], []]), ...created(random), ...base, "new.qcow2", ...size);
}

function dd(random: Random, { file, format }: DrawnImage): Command {
  const bytes = ["512", "1k", "1000", "4K", "64k", "1M", "3"];
  const of = random.pick(["out.qcow2", "dd.out", "new.qcow2"]);
  const operands = [`if=${file}`, `of=${of}`, ...some(random, 0.5, [`bs=${random.pick(bytes)}`], [`count=${random.pick(["1", "2", "7", "1000", "0"])}`], [`skip=${random.pick(["0", "1", "3", "64", "100000"])}`]), ...some(random, 0.05, [`seek=${random.pick(["1", "2"])}`], ["conv=notrunc"], ["bs"])];
  return img("dd", ...some(random, 0.9, ["-f", format]), "-O", of === "dd.out" ? "raw" : "qcow2", ...operands);
}

function bitmap(random: Random, folder: DrawnFolder, { file, bitmaps }: DrawnImage): Command {
  const name = (): string => (bitmaps.length > 0 && random.chance(0.8) ? random.pick(bitmaps) : random.pick(["b1", "b2", "new", "x".repeat(200)]));
  const actions = Array.from({ length: random.pick([1, 2, 2, 3]) }, () => random.pick<Words>([["--add"], ["--remove"], ["--clear"], ["--enable"], ["--disable"], ["--merge", name()], ["--merge", name()]])).flat();
  const donor = some(random, 0.2, ["-b", fileOf(random, folder), ...some(random, 0.7, ["-F", "qcow2"])]);
  return img("bitmap", ...actions, ...some(random, 0.3, ["-g", random.pick(["512", "1k", "64k", "2G", "1M"])]), ...donor, ...some(random, 0.7, ["-f", "qcow2"]), file, name());
}

function moveBase(random: Random, folder: DrawnFolder, image: DrawnImage): Command {
  const below = image.backing?.backing ?? image.backing;
  const cache = some(random, 0.15, ["-t", random.pick(CACHES)]);
  if (random.chance(0.45)) {
    return img("commit", ...cache, ...some(random, 0.2, ["-d"], ["-p"], ["-q"]), ...(below !== null && random.chance(0.5) ? ["-b", below.file] : []), ...some(random, 0.7, ["-f", image.format]), image.file);
  }
  const onto = random.pick<Words>([["-b", below?.file ?? "", "-F", below?.format ?? "qcow2"], ["-b", "", ...some(random, 0.3, ["-F", "qcow2"])], ["-b", fileOf(random, folder), "-F", "qcow2"]]);
  return img("rebase", ...cache, ...some(random, 0.15, ["-p"], ["-c"], ["-T", random.pick(CACHES)], ["-q"]), ...some(random, 0.15, ["-u"]), ...some(random, 0.7, ["-f", image.format]), ...onto, image.file);
}

function looking(random: Random, folder: DrawnFolder, image: DrawnImage): Command {
  const [flags, source] = word(random, image);
  const output = random.pick<Words>([[], ["--output=json"], ["--output=json"], ["--output=human"]]);
  switch (random.below(6)) {
    case 0:
      return img("info", ...output, ...some(random, 0.3, ["--backing-chain"], ["-U"]), ...flags, source);
    case 1:
      return img("map", ...output, ...some(random, 0.3, [`--start-offset=${random.pick(["0", "1", "4k", "100000", "1M", "511"])}`], [`--max-length=${random.pick(["0", "1", "4k", "100000", "1G"])}`]), ...flags, source);
    case 2:
      return img("check", ...output, ...some(random, 0.15, ["-q"], ["-T", random.pick(CACHES)]), ...flags, source);
    case 3: {
      const target = random.pick<Words>([["-O", "qcow2"], ["-O", "qcow2"], ["-O", "raw"], []]);
      const snapshot = image.snapshots.length > 0 && random.chance(0.4) ? ["-l", random.pick([image.snapshots[0]!, "snapshot.id=1"])] : [];
      const list = target[1] === "qcow2" ? created(random).filter((option) => !option.includes("size=") || option.includes("cluster_size")) : [];
      return img("measure", ...output, ...target, ...list.filter((option, index) => option !== "-o" || (list[index + 1] ?? "-o") !== "-o"), ...snapshot, ...flags, source);
    }
    case 4: {
      const other = random.pick(folder.images);
      return img("compare", ...some(random, 0.2, ["-s"], ["-q"], ["-p"], ["-T", random.pick(CACHES)]), "-f", image.format, "-F", other.format, image.file, other.file);
    }
    default: {
      const files = random.pick<Words>([["out.qcow2"], ["new.qcow2"], [image.file]]);
      return img(random.pick(["info", "check", "map"]), ...output, ...files);
    }
  }
}

/** A session that changes what the commands meet. */
const writing = (random: Random, { file, size, clusterSize, format }: DrawnImage): Command =>
  io(["-f", format, "-d", "unmap"], file, Array.from({ length: 1 + random.below(4) }, () => {
    const at = random.below(Math.max(1, Math.floor(size / 512))) * 512;
    const length = Math.min(random.pick([512, clusterSize, clusterSize * 3, 1000]), Math.max(512, size - at));
    return random.pick([`write -P ${1 + random.below(250)} ${at} ${length}`, `write -z ${at} ${length}`, `write -zu ${at} ${length}`, `discard ${at} ${length}`]);
  }));

/** A command over a folder with the options that are seldom used. */
export function drawOptions(random: Random, folder: DrawnFolder, image: DrawnImage): Command {
  switch (random.below(14)) {
    case 0:
    case 1:
    case 2:
      return convert(random, folder, image);
    case 3:
      return create(random, folder);
    case 4:
    case 5:
      return dd(random, image);
    case 6:
    case 7:
      return bitmap(random, folder, image);
    case 8:
    case 9:
      return moveBase(random, folder, image);
    case 10:
      return writing(random, image);
    default:
      return looking(random, folder, image);
  }
}

/** What meets a lie of an image by changing it, or mends it. */
export function drawMending(random: Random, image: DrawnImage): Command {
  const { file, format, size, snapshots, bitmaps, clusterSize } = image;
  // Of an image with snapshots and a bitmap that records, stock's repair loses the snapshots.
  const repairs = snapshots.length === 0 || bitmaps.length === 0;
  switch (random.below(9)) {
    case 0:
    case 1:
      return img("check", ...(repairs ? ["-r", random.pick(["all", "all", "leaks"])] : []), ...some(random, 0.3, ["--output=json"]), "-f", format, file);
    case 2:
      return img("snapshot", ...random.pick<Words>([["-c", "new"], ["-a", snapshots[0] ?? "new"], ["-d", snapshots[0] ?? "new"]]), file);
    case 3:
      return img("resize", ...some(random, 0.2, ["--preallocation=metadata"]), "-f", format, file, `+${clusterSize}`);
    case 4:
      return img("resize", "--shrink", "-f", format, file, String(Math.floor(size / random.pick([2, 3, 1024]) / 512) * 512));
    case 5:
      return img("check", "-f", format, file);
    case 6:
      return img("amend", "-f", format, "-o", random.pick(["compat=1.1", "compat=0.10", "lazy_refcounts=on", "refcount_bits=64"]), file);
    default:
      return writing(random, image);
  }
}
