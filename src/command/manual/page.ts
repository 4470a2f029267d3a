/**
 * The shape of a command's manual page. What the tables of commands know (names, arguments, options, one line each) is taken from there;
 * only words that they have no use for stand beside, in this folder, so that a page of the app loads them when somebody asks for help.
 */

/** Disks that examples begin with, by the line that makes them. */
export const EXAMPLE_DISKS = {
  zoned: "qemu-img create -q -f qcow2 disk.qcow2 -o size=8M,zone_model=1,zone_size=1M,zone_capacity=768K,nr_conv_zones=1,max_open_zones=2,max_active_zones=3",
  plain: "qemu-img create -q -f qcow2 disk.qcow2 8M",
} as const;

export interface ManualExample {
  /** What is to be seen. */
  readonly says: string;
  /** The disk it begins with, disk.qcow2; without one it makes its own. */
  readonly disk?: keyof typeof EXAMPLE_DISKS;
  /** Text files that its lines name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Lines as in the console, run one after the other. */
  readonly lines: readonly string[];
}

/** The words of a page, in which an empty line ends a paragraph. */
export interface ManualWords {
  /** In place of the table's arguments, where the table has none that say enough. */
  readonly args?: string;
  readonly about: string;
  readonly examples: readonly ManualExample[];
  /** The exit status, where it is not that of all commands of its program. */
  readonly status?: string;
  /** What is other than in the program whose command it is. */
  readonly differs: string;
}

export interface ManualOption {
  /** As typed: "-f, --format FMT". */
  readonly spelled: string;
  readonly says: string;
}

export type ManualGroup = "qemu-img" | "qemu-io" | "blkzone" | "zonescope" | "console";

export interface ManualPage {
  /** "qemu-img create", "write", "crash": what is asked for with help. */
  readonly name: string;
  /** Other names of it. */
  readonly aliases: readonly string[];
  readonly group: ManualGroup;
  readonly synopsis: string;
  readonly oneline: string;
  readonly about: string;
  readonly options: readonly ManualOption[];
  /** What the command prints for --help, where its options stand there. */
  readonly usage: string | null;
  readonly examples: readonly ManualExample[];
  readonly status: string;
  /** Units of sizes and offsets. */
  readonly units: string;
  readonly differs: string;
}
