/** The help of the program crash, which is there before the program is loaded. */
export const CRASH_USAGE = `Usage: crash [-c CMD]... [--commands FILE] [--cut N|random] [--keep LIST] [--seed S]
             [--wrong-order NAME,...] [--tries N] [--list] [--output=human|json] [IMAGE]
Runs commands of qemu-io on a scratch copy of IMAGE and a flush after them, cuts the power in that flush, opens what is
left and tells what became of the data. The image itself is only read. Without IMAGE the attached one is taken, and
without that, or without commands, a small disk in memory and commands that fit.

  -c CMD               a command; several are run in order
  --commands FILE      commands of a file, one a line
  --list               lists what the flush sends to the disk, with its barriers, and cuts nothing
  --cut N              the power fails when N records of that list were sent, 0 for none; random: at a drawn moment
  --keep LIST          which of them reached the disk of those that no barrier made durable: all, none, random, or
                       numbers as 3,5-7 and sectors as 4:0-2. As --cut alone: none
  --seed S             what is drawn follows from this number
  --wrong-order NAMES  makes the mistakes of these names in the flush; all: all but no-barriers
  --tries N            without --cut: how many crashes are looked at, 400 where nothing is said

Without --cut it looks for a crash that breaks a promise. Ends with 0 when nothing is lost that must not be, with 2 when
something is, and with 1 when it could not be tried.

`;
