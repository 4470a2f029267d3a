/** The console's lines about a Linux guest: `attach linux [IMAGE [SECOND]]`, `detach`, and what no line may do while a guest has the disk. */
import type { Explanation } from "./explain.ts";
import type { Stream } from "./program.ts";

/** Where a guest can be had. */
export interface GuestHost {
  /** The images that a guest has, the attached one first; none where there is no guest. */
  disks(): readonly string[];
  /** Gives Linux an image, null for the attached one, and perhaps a second; resolves when the machine is on its way. @returns why not, or null */
  attach(image: string | null, second: string | null): Promise<Explanation | null>;
  /** Powers it off in good order. @returns why there is nothing to detach, or null */
  detach(): Promise<Explanation | null>;
}

export const GUEST_USAGE = `attach linux [IMAGE [SECOND]] -- runs a real Linux on the attached image, or on IMAGE, as /dev/vda, with SECOND as /dev/vdb; the tab Terminal has its prompt
detach -- has Linux sync and power off, and flushes`;

/** What a line says that would take an image away from Linux. */
export const HELD = "Linux has the attached image: this line would take it away. Look at it with bare commands (zrp, read, info), or end Linux first: detach\n";
export const heldSecond = (file: string): string => `Linux has ${file} as its second disk: this line would take it away. Look at it in the terminal, or end Linux first: detach\n`;

export const GUEST_WORDS = ["attach", "detach"] as const;
export const isGuestLine = (name: string): boolean => (GUEST_WORDS as readonly string[]).includes(name);

/** Carries such a line out; the exit status is returned. */
export async function runGuestLine(argv: readonly string[], guest: GuestHost | undefined, write: (text: string, stream: Stream) => void): Promise<number> {
  const [name, ...words] = argv;
  const usage = (): number => {
    write(`usage:\n${GUEST_USAGE}\n`, "err");
    return 2;
  };
  if (guest === undefined) {
    write("there is no Linux here; the page has one\n", "err");
    return 1;
  }
  if (name === "detach" ? words.length > 0 : words[0] !== "linux" || words.length > 3) return usage();
  const failure = name === "detach" ? await guest.detach() : await guest.attach(words[1] ?? null, words[2] ?? null);
  if (failure !== null) {
    write(`${failure.title}. ${failure.why}\n`, "err");
    if (failure.instead !== null) write(`Instead: ${failure.instead}\n`, "explain");
    return 1;
  }
  write(name === "detach" ? "Linux is gone; the image is the page's again\n" : "Linux is starting; its prompt comes in the tab Terminal\n", "out");
  return 0;
}
