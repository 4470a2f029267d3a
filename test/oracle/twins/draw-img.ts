/**
 * Lines of qemu-img over a drawn folder: all commands and their options, now and then what must be refused. Left out are mistakes that Debian's
 * programs, by a patch of their own, tell in other words than QEMU's.
 */
import type { Random } from "../../../src/base/random.ts";
import type { DrawnFolder, DrawnImage } from "./draw-images.ts";
import { img } from "./twin.ts";
import type { Command } from "./twin.ts";

type Words = readonly string[];

/** Each with the given chance, in their order. */
const some = (random: Random, chance: number, ...choices: readonly Words[]): string[] => choices.flatMap((words) => (random.chance(chance) ? words : []));

const json = (random: Random): Words => (random.chance(0.5) ? ["--output=json"] : random.chance(0.1) ? ["--output", "human"] : []);

const CREATE_OPTIONS = ["compat=0.10", "compat=v3", "cluster_size=4k", "cluster_size=512", "cluster_size=3k", "cluster_size=2M", "refcount_bits=1", "refcount_bits=64", "refcount_bits=3", "extended_l2=on", "lazy_refcounts=on", "compression_type=zstd", "compression_type=lz4", "preallocation=metadata", "preallocation=falloc", "preallocation=full", "preallocation=some", "data_file=x.data", "data_file_raw=on", "nocow=on", "encryption=off", "x=y"];

const options = (random: Random): Words => {
  const list = Array.from({ length: random.pick([0, 1, 1, 2, 3]) }, () => random.pick(CREATE_OPTIONS));
  return list.length === 0 ? [] : ["-o", list.join(",")];
};

function name(random: Random, known: Words): string {
  return known.length > 0 && random.chance(0.85) ? random.pick(known) : random.pick(["s1", "b1", "none", "n w", ""]);
}

const sizeOf = (random: Random, { size, clusterSize }: DrawnImage): string =>
  random.pick([`+${clusterSize}`, `+512`, `+1`, `-512`, `-${clusterSize}`, String(size * 2), String(Math.floor(size / 2)), String(size), `${size + 1}`, "0", "-9G", "1M", "x", "9E"]);

/** A word that names an image: its file, options, or JSON. */
const named = (random: Random, { file, format }: DrawnImage): readonly [flags: Words, word: string] => {
  if (random.chance(0.08)) return [["--image-opts"], `driver=${format},file.driver=file,file.filename=${file}`];
  if (random.chance(0.08)) return [[], `json:${JSON.stringify({ driver: format, file: { driver: "file", filename: file } })}`];
  return [random.chance(0.7) ? ["-f", random.chance(0.96) ? format : random.pick(["raw", "qcow2", "nothing"])] : [], file];
};

/** Commands that only read. */
export function drawReading(random: Random, folder: DrawnFolder, image: DrawnImage): Command {
  const [flags, word] = named(random, image);
  const { snapshots, size } = image;
  switch (random.below(9)) {
    case 0:
    case 1:
      return img("info", ...some(random, 0.2, ["-U"], ["--backing-chain"]), ...json(random), ...flags, word);
    case 2:
      return img("check", ...some(random, 0.1, ["-q"], ["-U"], ["-T", "none"]), ...json(random), ...flags, word);
    case 3:
    case 4:
      return img("map", ...json(random), ...some(random, 0.15, [`--start-offset=${random.below(size + 1024)}`], [`--max-length=${random.below(size + 1024)}`], ["-U"]), ...flags, word);
    case 5: {
      const other = random.pick(folder.images);
      return img("compare", ...some(random, 0.2, ["-s"], ["-q"], ["-p"], ["-U"]), ...(random.chance(0.7) ? ["-f", image.format, "-F", other.format] : []), image.file, other.file);
    }
    case 6:
      return random.chance(0.4)
        ? img("measure", ...json(random), ...options(random), ...some(random, 0.7, ["-O", "qcow2"]), "--size", random.pick(["1M", "0", "64G", "513", String(size)]))
        : img("measure", ...json(random), ...options(random), ...some(random, 0.7, ["-O", random.pick(["qcow2", "raw", "qcow2", "nothing"])]), ...some(random, 0.15, ["-U"], ["-l", name(random, snapshots)]), ...flags, word);
    case 7:
      return img("snapshot", "-l", ...some(random, 0.2, ["-U"]), ...flags, word);
    default:
      return img("convert", ...some(random, 0.1, ["-p"], ["-q"], ["-U"], ["-c"], ["-W"], ["-n"], ["--bitmaps"], ["--skip-broken-bitmaps"], ["--salvage"]), ...some(random, 0.15, ["-m", random.pick(["1", "16"])], ["-S", random.pick(["0", "4k", "512", "64k", "3"])], ["-l", random.pick(["", "snapshot.name="]) + name(random, snapshots)], ["-T", "none"], ["-r", "1G"], ["-B", random.pick(folder.images).file, "-F", "qcow2"]), ...flags, "-O", random.pick(["qcow2", "qcow2", "raw", "nothing"]), ...options(random), word, ...some(random, 0.05, [random.pick(folder.images).file]), random.pick(["out.qcow2", "out.qcow2", "out2.qcow2"]));
  }
}

/** Commands that change an image of the folder, or make one. */
export function drawChanging(random: Random, folder: DrawnFolder, image: DrawnImage): Command {
  const [flags, word] = named(random, image);
  const { file, snapshots, bitmaps, backing } = image;
  const others = folder.images.filter((other) => other.file !== file);
  switch (random.below(11)) {
    case 0:
      return img("snapshot", random.pick(["-c", "-c", "-a", "-a", "-d"]), name(random, [...snapshots, "new"]), ...some(random, 0.1, ["-q"]), ...flags, word);
    case 1:
    case 2:
      return img("bitmap", random.pick(["--add", "--remove", "--clear", "--enable", "--disable", "--merge=b1"]), ...some(random, 0.15, ["--add"], ["--disable"], ["-g", random.pick(["512", "4k", "64k", "3", "1G"])], ["-b", random.pick<{ readonly file: string }>(others.length > 0 ? others : [{ file: "none" }]).file, "-F", "qcow2"]), ...flags, word, name(random, [...bitmaps, "new"]));
    case 3:
    case 4:
      return img("resize", ...some(random, 0.15, ["-q"]), ...some(random, 0.3, ["--shrink"], [`--preallocation=${random.pick(["off", "metadata", "falloc", "full", "some"])}`]), ...flags, word, sizeOf(random, image));
    case 5:
      return img("amend", ...some(random, 0.15, ["-q"], ["-p"], ["--force"]), ...flags, "-o", random.pick(["compat=0.10", "compat=1.1", "lazy_refcounts=on", "lazy_refcounts=off", "refcount_bits=16", "refcount_bits=8", "refcount_bits=64", "refcount_bits=1", "size=1M", `size=${image.size + 512}`, "size=512", "backing_file=base0.qcow2", "backing_file=,backing_fmt=", "backing_file=", "cluster_size=4k", "compression_type=zstd", "data_file=y", "data_file_raw=on", "data_file_raw=off", "extended_l2=on", "preallocation=full", "x=y", "encryption=on"]), word);
    case 6:
    case 7: {
      const onto = random.pick<Words>([["-b", ""], ["-b", "", "-F", "qcow2"], ["-b", random.pick(others.length > 0 ? others : folder.images).file, "-F", "qcow2"], ["-b", backing?.file ?? "none", "-F", backing?.format ?? "raw"], ["-b", backing?.file ?? "none"], ["-b", file, "-F", "qcow2"]]);
      return img("rebase", ...some(random, 0.15, ["-q"], ["-p"], ["-c"], ["-U"]), ...some(random, 0.25, ["-u"]), ...flags, ...onto, word);
    }
    case 8:
      return img("commit", ...some(random, 0.15, ["-q"], ["-p"], ["-d"], ["-r", "1G"], ["-b", random.pick([...folder.images.map((other) => other.file), "none"])]), ...flags, word);
    case 9:
      return random.chance(0.5)
        ? img("create", ...some(random, 0.7, ["-q"]), "-f", random.pick(["qcow2", "qcow2", "raw"]), ...options(random), ...some(random, 0.3, ["-b", random.pick<{ readonly file: string }>(others.length > 0 ? others : [{ file: "none" }]).file, "-F", "qcow2"]), ...some(random, 0.1, ["-u"]), "new.qcow2", ...some(random, 0.7, [random.pick(["1M", "512", "0", "1000", "x", "64k"])]))
        : img("dd", ...some(random, 0.8, ["-f", image.format]), ...some(random, 0.7, ["-O", random.pick(["qcow2", "raw"])]), ...some(random, 0.1, ["-U"]), `if=${file}`, "of=dd.out", ...some(random, 0.4, [`bs=${random.pick(["512", "4k", "1M", "3", "0"])}`], [`count=${random.pick(["1", "3", "1000", "0", "x"])}`], [`skip=${random.pick(["0", "1", "9", "100000"])}`]));
    default:
      // Of an image with snapshots and a bitmap that records, stock's repair loses the snapshots.
      if (snapshots.length > 0 && bitmaps.length > 0) return img("check", file);
      return img("check", "-r", random.pick(["all", "leaks"]), ...some(random, 0.1, ["-q"], ["-U"]), ...json(random), ...flags, word);
  }
}
