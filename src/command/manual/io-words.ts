/** The words of the pages of qemu-io's commands. */
import type { ManualWords } from "./page.ts";

const BREAKPOINTS = "A breakpoint at write_aio, in an image under the driver blkdebug, stops the next aio_write that writes data until it is resumed. Requests that touch the same clusters wait with it.";
const BREAKS = "Requests run from start to end: one that stops has not begun, and write_aio is the one event that stops any.";
const DONE_AT_ONCE = "Nothing is asynchronous here: the request is done when the command returns, and prints its result then.";
const SECTORS = "Sectors in what is printed are of 512 bytes.";
const SEQUENTIAL = "qemu-io of the patched builds, whose mistakes are not copied: docs/semantics.md has the rules.";

export const IO_WORDS: Readonly<Record<string, ManualWords>> = {
  abort: { about: "Ends the process at once, as a crash would: nothing is flushed. For tests of what survives.", examples: [], differs: "In the page there is no process to end, and the command says so." },
  aio_discard: { about: DONE_AT_ONCE, examples: [{ says: "A whole cluster.", disk: "plain", lines: ["qemu-io -c 'write 0 64k' -c 'aio_discard 0 64k' -c 'read -P 0 0 64k' disk.qcow2"] }], differs: "The result is printed at once. As in QEMU, a failure is printed and does not make the session fail." },
  aio_flush: { about: DONE_AT_ONCE, examples: [{ says: "It has nothing to wait for.", disk: "plain", lines: ["qemu-io -c 'aio_write 0 4k' -c aio_flush disk.qcow2"] }], differs: "Does nothing, since nothing is ever outstanding." },
  aio_read: { about: DONE_AT_ONCE, examples: [{ says: "Two pieces, read as one.", disk: "plain", lines: ["qemu-io -c 'aio_read 0 512 512' disk.qcow2"] }], differs: "The result is printed at once. As in QEMU, a failure is printed and does not make the session fail." },
  aio_write: { about: DONE_AT_ONCE, examples: [{ says: "Two pieces, written as one.", disk: "plain", lines: ["qemu-io -c 'aio_write -P 9 0 512 512' disk.qcow2"] }], differs: "The result is printed at once. As in QEMU, a failure is printed and does not make the session fail." },
  alloc: { about: "Tells how many bytes of a range the image itself has; what its backing file has is not counted, and what the image says is zeros is. Without a count it is one sector of 512 bytes.", examples: [{ says: "A cluster of 64 KiB came with a write of 4.", disk: "plain", lines: ["qemu-io -c 'write 0 4k' -c 'alloc 0 1M' disk.qcow2"] }], differs: "Nothing." },
  break: {
    about: BREAKPOINTS,
    examples: [
      { says: "A write that stops, and another that waits for it.", disk: "plain", lines: ["qemu-io -c 'break write_aio A' -c 'aio_write 0 4k' -c 'wait_break A' -c 'aio_write 8k 4k' -c 'resume A' blkdebug::disk.qcow2"] },
      { says: "The refusal without that driver.", disk: "plain", lines: ["qemu-io -c 'break write_aio A' disk.qcow2"] },
    ],
    differs: BREAKS,
  },
  close: { about: "Flushes and closes the image that is open.", examples: [{ says: "No image is open then.", disk: "plain", lines: ["qemu-io -c close -c length disk.qcow2"] }], differs: "In the console of the page the attached image stays open." },
  discard: {
    about: "Clusters that lie wholly in the range are given back. A sequential zone is not discarded: reset it.",
    examples: [
      { says: "A whole cluster.", disk: "plain", lines: ["qemu-io -c 'write 0 128k' -c 'discard 0 64k' -c 'read -P 0 0 64k' disk.qcow2"] },
      { says: "A zone says no.", disk: "zoned", lines: ["qemu-io -c 'discard 1M 64k' disk.qcow2"] },
    ],
    differs: "The patched builds let a discard into a zone and leave its pointer where it was; here it is unsupported.",
  },
  flush: { about: "Makes durable what was written: data first, then what leads to it, then the write pointers, with a barrier after each. A flush that returns has all of it on the disk.", examples: [{ says: "Without output when it went well.", disk: "plain", lines: ["qemu-io -c 'write 0 4k' -c flush disk.qcow2"] }], differs: "Nothing." },
  help: { about: "Lists the commands, or tells of one what it does and its options. In the page's console it tells of every program as well, and has these pages.", examples: [{ says: "One command.", lines: ["qemu-io -c 'help zap'"] }], differs: "The words are this program's own." },
  info: { about: "Prints format, cluster size and what the format has to tell, the zoned extension included.", examples: [{ says: "Of a zoned image.", disk: "zoned", lines: ["qemu-io -r -c info disk.qcow2"] }], differs: "The zoned extension among the format specific information." },
  length: { about: "Prints the size of the disk.", examples: [{ says: "In the unit that fits.", disk: "plain", lines: ["qemu-io -r -c length disk.qcow2"] }], differs: "Nothing." },
  map: { about: "Prints which ranges the image itself has and which it does not.", examples: [{ says: "One write.", disk: "plain", lines: ["qemu-io -c 'write 1M 64k' -c map disk.qcow2"] }], differs: "Above a write pointer a zone is not allocated, whatever its clusters hold." },
  open: { about: "Opens an image for the commands that follow, where none is open.", examples: [{ says: "A session that opens for itself.", disk: "plain", lines: ["qemu-io -c 'open -r disk.qcow2' -c length"] }], differs: "In the console of the page the attached image stays open. Of the cache modes one thing is left: whether each write is durable when its command returns, which has to be asked for here." },
  quit: { about: "Ends the session; commands behind it are not run.", examples: [{ says: "The second command is not run.", disk: "plain", lines: ["qemu-io -c quit -c length disk.qcow2"] }], differs: "Nothing." },
  read: {
    about: "Reads anywhere on the disk, across zones too. Above a write pointer and above a zone's capacity there are zeros, whatever the clusters hold.",
    examples: [
      { says: "Shown, and verified.", disk: "plain", lines: ["qemu-io -c 'write -P 0x5a 0 512' -c 'read -v 0 32' -c 'read -P 0x5a -l 512 0 1k' disk.qcow2"] },
      { says: "What it finds when it is not so.", disk: "plain", lines: ["qemu-io -r -c 'read -P 1 0 512' disk.qcow2"] },
    ],
    differs: "-p and -r are taken and do nothing. A long read is made in pieces of 16 MiB; what is printed is that of one.",
  },
  readv: { about: "As read, with several lengths whose sum is read as one.", examples: [{ says: "Two lengths.", disk: "plain", lines: ["qemu-io -r -c 'readv 0 512 1k' disk.qcow2"] }], differs: "-r is taken and does nothing." },
  remove_break: { about: BREAKPOINTS, examples: [], differs: BREAKS },
  reopen: { about: "Flushes, closes and opens the image again. Zones that were open are CLOSED then, or EMPTY where nothing was written: what a power cycle does.", examples: [{ says: "An open zone is closed by it.", disk: "zoned", lines: ["qemu-io -c 'zap 1M 4k' -c 'zrp 1M 1' -c reopen -c 'zrp 1M 1' disk.qcow2"] }], differs: "Options that name files or nodes are refused; those that size caches are taken and do nothing." },
  resume: { about: BREAKPOINTS, examples: [], differs: BREAKS },
  sigraise: { about: "Sends the process a signal by its number; 0 sends none.", examples: [], differs: "In the page there is no process to send one to, and the command says so." },
  sleep: { args: "milliseconds", about: "Waits. In a link it holds what is played.", examples: [{ says: "A fifth of a second.", lines: ["qemu-io -c 'sleep 200'"] }], differs: "Nothing." },
  truncate: { about: "A smaller size deletes what is behind it.", examples: [{ says: "Larger by half.", disk: "plain", lines: ["qemu-io -c 'truncate 12M' -c length disk.qcow2"] }], differs: "A zoned image keeps its size." },
  wait_break: { about: BREAKPOINTS, examples: [], differs: "Where no request stopped QEMU waits for ever; here the command is refused." },
  write: {
    about:
      "Writes anywhere on a plain disk and in conventional zones. In a sequential zone a write begins at the write pointer, ends within the capacity, and has offset and length in multiples of 512 bytes; -z and -c are writes like any other there, and move the pointer.",
    examples: [
      { says: "At the pointer, and not at it.", disk: "zoned", lines: ["qemu-io -c 'write 1M 4k' -c 'write 1M 4k' disk.qcow2"] },
      { says: "Zeros that need no room.", disk: "plain", lines: ["qemu-io -c 'write 0 64k' -c 'write -zu 0 64k' -c 'read -P 0 0 64k' disk.qcow2"] },
    ],
    differs: "A write is durable at the next flush, or with -f, or where the image was opened with -t writethrough; in QEMU qemu-io's usual cache mode is writethrough. -p and -r are taken and do nothing.",
  },
  writev: { about: "As write, with several lengths whose sum is written as one.", examples: [{ says: "Two lengths.", disk: "plain", lines: ["qemu-io -c 'writev 0 512 1k' disk.qcow2"] }], differs: "-r is taken and does nothing." },
  zone_append: {
    about: `Writes at the write pointer of the zone whose start is the offset, wherever the pointer is, and tells where that was. The sum of the lengths is at most the disk's append limit; each is a multiple of 512. ${SECTORS}`,
    examples: [{ says: "Two appends to one zone.", disk: "zoned", lines: ["qemu-io -c 'zap -p 1M 4k' -c 'zap -p 1M 4k 8k' -c 'zrp 1M 1' disk.qcow2"] }],
    differs: "Without -p nothing is printed, as in the series. Any number of lengths may be given. The bytes are 0xcd.",
  },
  zone_close: { about: "Closes the zones of a range: an open one becomes CLOSED, or EMPTY where nothing was written. The range begins at a zone's start and covers whole zones.", examples: [{ says: "CLOSED is 4.", disk: "zoned", lines: ["qemu-io -c 'zap 1M 4k' -c 'zc 1M 1M' -c 'zrp 1M 1' disk.qcow2"] }], differs: SEQUENTIAL },
  zone_finish: { about: "Makes the zones of a range FULL. What was not written reads as zeros. An EMPTY or CLOSED zone needs for it what opening it needs.", examples: [{ says: "FULL is 14.", disk: "zoned", lines: ["qemu-io -c 'zap 1M 4k' -c 'zf 1M 1M' -c 'zrp 1M 1' disk.qcow2"] }], differs: SEQUENTIAL },
  zone_open: {
    about: "Opens the zones of a range explicitly: they stay open until they are closed, full or reset. Each needs a place among the open and the active ones; a zone that a write opened is closed to make room.",
    examples: [{ says: "Two may be open on this disk.", disk: "zoned", lines: ["qemu-io -c 'zo 1M 2M' -c 'zo 3M 1M' -c 'zrp 1M 3' disk.qcow2"] }],
    differs: SEQUENTIAL,
  },
  zone_report: { about: `Prints a zone a line, from the one that holds the offset: start, length, capacity and write pointer in sectors of 512 bytes, then the condition and the type. Conditions are Linux's numbers: 0 NOT_WP, 1 EMPTY, 2 IMPLICIT_OPEN, 3 EXPLICIT_OPEN, 4 CLOSED, 14 FULL. Type 1 is conventional, 2 is written in sequence.`, examples: [{ says: "The first three.", disk: "zoned", lines: ["qemu-io -r -c 'zrp 0 3' disk.qcow2"] }], differs: "A pointer that is no multiple of 512 is rounded down." },
  zone_reset: { about: "Makes the zones of a range EMPTY and gives their clusters back. The new pointer is on the disk before a cluster is free.", examples: [{ says: "EMPTY is 1.", disk: "zoned", lines: ["qemu-io -c 'zap 1M 4k' -c 'zrs 1M 1M' -c 'zrp 1M 1' disk.qcow2"] }], differs: SEQUENTIAL },
};
