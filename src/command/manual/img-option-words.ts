/** What the options of qemu-img's commands mean: a word for the value, empty where there is none, and a sentence. */

export type OptionWords = readonly [value: string, says: string];
type Words = Readonly<Record<string, OptionWords>>;

const CHECKED = "the word is checked as QEMU checks it; what was written is durable when the command ends, whatever it says";

/** Options that mean the same in every command that has them, by what getopt calls them. */
const COMMON: Words = {
  h: ["", "prints what commands there are"],
  f: ["FMT", "the image's format, qcow2 or raw; without it the file's first bytes decide"],
  F: ["FMT", "the backing file's format, qcow2 or raw"],
  "image-opts": ["", "the name is a list of options, as driver=qcow2,file.filename=disk.qcow2"],
  object: ["DEF", "taken and without effect: nothing is decrypted here"],
  output: ["human|json", "lines for people, or JSON with QEMU's names"],
  p: ["", "shows how far it is, in percent"],
  q: ["", "prints no result, only failures"],
  t: ["CACHE", `cache mode of what is written: ${CHECKED}`],
  T: ["CACHE", "cache mode of what is read: the word is checked, and nothing follows from it"],
  U: ["", "without effect; what would write the image is refused with it"],
  l: ["SNAPSHOT", "an internal snapshot in place of the disk, by its ID or name, or snapshot.id=…,snapshot.name=…"],
};

const OWN: Readonly<Record<string, Words>> = {
  amend: {
    o: ["OPTIONS", "what is to change, as compat=0.10,refcount_bits=8; -o help lists what there is. May stand several times"],
    force: ["", "taken and without effect: it is about encryption"],
  },
  bench: {
    c: ["COUNT", "how many requests; 75000 where nothing is said"],
    s: ["BYTES", "the size of each; 4K where nothing is said"],
    S: ["BYTES", "how far each begins behind the one before; where nothing is said, as far as that is long"],
    o: ["BYTES", "where the first begins; 0 where nothing is said"],
    d: ["COUNT", "requests at a time, 64 where nothing is said: checked, and without effect but for the line that tells it"],
    w: ["", "writes; without it, reads"],
    pattern: ["BYTE", "with -w, the byte that is written; 0 where nothing is said"],
    "flush-interval": ["COUNT", "with -w, a flush behind each so many requests: none may be fewer than -d"],
    "no-drain": ["", "taken and without effect: nothing is ever outstanding"],
    i: ["MODE", "threads, native or io_uring: the word is checked, and nothing follows from it"],
    n: ["", "taken and without effect"],
    q: ["", "taken and without effect, as QEMU's"],
    t: ["CACHE", "cache mode: with writethrough and directsync each write is durable before the next"],
  },
  bitmap: {
    add: ["", "makes a bitmap"],
    remove: ["", "deletes the bitmap"],
    clear: ["", "forgets all that the bitmap has recorded"],
    enable: ["", "lets it record writes from now on"],
    disable: ["", "stops it from recording"],
    merge: ["SOURCE", "adds what the bitmap SOURCE has recorded"],
    g: ["BYTES", "with --add, how many bytes one bit stands for: a power of two from 512 to 2G; where nothing is said the cluster size, but 4K at least and 64K at most"],
    b: ["FILE", "with --merge, the image that has the bitmap SOURCE; without it, this one"],
    F: ["FMT", "the format of that image"],
  },
  check: {
    r: ["leaks|all", "repairs: leaks gives leaked clusters back, all repairs refcounts and flags too, and unmaps data above write pointers"],
  },
  commit: {
    b: ["BASE", "writes into this file of the chain, not into the next one; the image is then not emptied"],
    d: ["", "leaves the image as it is; without it the image is emptied once its data is in the backing file"],
    r: ["BYTES", "bytes a second at most: checked, and without effect"],
  },
  compare: {
    f: ["FMT", "the first image's format"],
    F: ["FMT", "the second image's format"],
    s: ["", "strict: sizes must be the same, and the same ranges allocated"],
  },
  convert: {
    O: ["FMT", "the target's format, qcow2 or raw; raw where nothing is said"],
    B: ["FILE", "the target's backing file: what is the same there is not copied"],
    o: ["OPTIONS", "options of the target, as for create; -o help lists them. May stand several times"],
    S: ["BYTES", "runs of zeros of this length are not stored: a multiple of 512, 4K where nothing is said; 0 stores all"],
    c: ["", "compresses every cluster"],
    n: ["", "writes into a target that is there already"],
    "target-is-zero": ["", "with -n: the target reads as zeros, so that zeros are not written"],
    "target-image-opts": ["", "with -n: the target's name is a list of options"],
    salvage: ["", "goes on where the source cannot be read, with zeros in place of what is lost"],
    bitmaps: ["", "copies persistent bitmaps too"],
    "skip-broken-bitmaps": ["", "with --bitmaps: leaves out those that were not stored whole"],
    m: ["COUNT", "1 to 16 requests at a time: checked, and without effect"],
    r: ["BYTES", "bytes a second at most: checked, and without effect"],
    C: ["", "has the host copy: refused together with -c, -S and --salvage, and otherwise without effect"],
    W: ["", "writes out of order: taken and without effect"],
    t: ["CACHE", "cache mode of the target: with none but unsafe, which it is where nothing is said, is the target durable when the command ends"],
  },
  create: {
    f: ["FMT", "the format, qcow2 or raw; raw where nothing is said"],
    o: ["OPTIONS", "options of the format, as size=8M,cluster_size=4K; -o help lists them. May stand several times"],
    b: ["FILE", "the backing file: what the image does not have itself is read from there"],
    u: ["", "does not look at the backing file; the size must then be given"],
    object: ["DEF", "refused: no image is encrypted here"],
  },
  dd: {
    O: ["FMT", "the output's format, qcow2 or raw; raw where nothing is said"],
  },
  info: {
    b: ["", "tells of the backing file too, and of what that stands on"],
  },
  map: {
    s: ["BYTES", "where to begin; 0 where nothing is said"],
    l: ["BYTES", "how far to go; to the end where nothing is said"],
  },
  measure: {
    O: ["FMT", "the new image's format, qcow2 or raw; raw where nothing is said"],
    o: ["OPTIONS", "options of the new image, as for create"],
    s: ["BYTES", "the size of an empty disk, in place of an image's name"],
  },
  rebase: {
    b: ["FILE", "the new backing file; an empty name for none"],
    F: ["FMT", "the new backing file's format"],
    u: ["", "changes the name in the header alone, and trusts that the new file has the same bytes"],
    c: ["", "compresses what has to be copied into the image"],
    U: ["", "taken and without effect"],
  },
  resize: {
    preallocation: ["MODE", "what becomes of the new part: off, metadata, falloc or full; off where nothing is said"],
    shrink: ["", "allows a smaller size, which deletes what is behind it"],
  },
  snapshot: {
    l: ["", "lists the snapshots"],
    c: ["NAME", "takes a snapshot of the disk as it is"],
    a: ["SNAPSHOT", "makes the disk what it was; by ID or name"],
    d: ["NAME", "deletes a snapshot; by its name"],
  },
};

/** The words of an option of a command; undefined where nobody wrote any, which a test forbids. */
export const imgOptionWords = (command: string, flag: string): OptionWords | undefined => OWN[command]?.[flag] ?? COMMON[flag];

/** Options of a command that have words of their own. */
export const ownOptions = (command: string): readonly string[] => Object.keys(OWN[command] ?? {});
