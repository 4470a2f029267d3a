/** qemu-img snapshot: lists, creates, applies and deletes internal snapshots. Words and exit status are QEMU's. */
import type { Failure } from "../protocol/index.ts";
import { explained } from "./explain.ts";
import { tableWords } from "./explain-snapshot.ts";
import type { GivenOptions } from "./getopt.ts";
import { FORCE_SHARE, IMAGE_OPTIONS, closeRead, openToRead, longOptions } from "./img-open.ts";
import type { ReadImage } from "./img-open.ts";
import { imgError, imgUsageError } from "./img-words.ts";
import { call, errorOut, printed } from "./program.ts";
import type { Program } from "./program.ts";
import type { ImgCommand } from "./qemu-img.ts";
import { snapshotLines } from "./snapshot-list.ts";
import { strerror } from "./strerror.ts";

const ACTIONS = ["l", "a", "c", "d"];

export const snapshotImage: ImgCommand = {
  name: "snapshot",
  args: "[--image-opts] [-U] [-q] [-l | -a snapshot | -c snapshot | -d snapshot] filename",
  oneline: "lists, applies, creates or deletes internal snapshots",
  shorts: "la:c:d:f:hqU",
  longs: [...IMAGE_OPTIONS, FORCE_SHARE, ...longOptions({ quiet: "q", list: "l" }, { format: "f", apply: "a", create: "c", delete: "d" })],
  *run(given): Program {
    const actions = given.options.filter(({ flag }) => ACTIONS.includes(flag));
    if (actions.length > 1) {
      yield imgUsageError("Cannot mix '-l', '-a', '-c', '-d'");
      return 1;
    }
    const word = given.words[0];
    if (word === undefined || given.words.length !== 1) {
      yield imgUsageError("Expecting one image file name");
      return 1;
    }
    const action = actions[0] ?? null;
    return yield* onImage(given, word, action?.flag !== "l", (image) => (action === null ? succeed() : act(image, action.flag, action.value)));
  },
};

function* succeed(): Program {
  return 0;
}

/** Opens the image, works on it and closes it; what fails at the end is told, and the status is of the whole. */
function* onImage(given: GivenOptions, word: string, write: boolean, work: (image: ReadImage) => Program): Program {
  const image = yield* openToRead(given, word, write);
  if (image === null) return 1;
  const status = yield* work(image);
  yield* closeRead(image);
  return status;
}

function* act({ handle }: ReadImage, flag: string, name: string): Program {
  switch (flag) {
    case "c": {
      const made = yield* call("createSnapshot", { handle, name });
      return made.ok ? 0 : yield* failed(`Could not create snapshot '${name}': ${strerror(made.error)}`, made.error);
    }
    case "a": {
      const applied = yield* call("applySnapshot", { handle, snapshot: name });
      return applied.ok ? 0 : yield* notApplied(name, applied.error);
    }
    case "d": {
      // Here a snapshot is looked for by its name alone, as QEMU does.
      const deleted = yield* call("deleteSnapshot", { handle, snapshot: { id: null, name } });
      if (deleted.ok) return 0;
      if (leavesLeak(deleted.error)) yield errorOut(`qcow2_free_clusters failed: ${strerror(deleted.error)}\n`);
      return yield* failed(`Could not delete snapshot '${name}': ${deleteWords(deleted.error)}`, deleted.error);
    }
    default: {
      const listed = yield* call("listSnapshots", { handle });
      if (!listed.ok) return yield* failed(`Could not list snapshots: ${strerror(listed.error)}`, listed.error);
      yield* printed(snapshotLines(listed.value));
      return 0;
    }
  }
}

function* failed(text: string, failure: Failure): Program {
  yield imgError(text);
  yield explained(failure);
  return 1;
}

function* notApplied(name: string, failure: Failure): Program {
  const snapshot = failure.kind === "snapshot" ? failure : null;
  const table = snapshot === null ? null : tableWords(snapshot);
  if (table !== null) yield imgError(table);
  const words =
    snapshot?.code === "has-bitmaps"
      ? "Device has active dirty bitmaps"
      : snapshot?.code === "format-without"
        ? "Block driver does not support snapshots"
        : `Failed to load snapshot: ${strerror(failure)}`;
  return yield* failed(`Could not apply snapshot '${name}': ${words}`, failure);
}

/** Whether the snapshot is gone, and only what it alone had stays taken. */
const leavesLeak = (failure: Failure): boolean => failure.kind === "store" && failure.givingUp === true;

function deleteWords(failure: Failure): string {
  if (leavesLeak(failure)) return `Failed to free the cluster and L1 table: ${strerror(failure)}`;
  if (failure.kind !== "snapshot") return strerror(failure);
  if (failure.code === "not-found" || failure.code === "format-without") return "snapshot not found";
  return tableWords(failure) ?? strerror(failure);
}
