/** write -s: the bytes of a file, over and over until the length is full, in place of a pattern. */
import { fileWords } from "./explain.ts";
import { call, errorOut } from "./program.ts";
import type { Program } from "./program.ts";
import { strerror } from "./strerror.ts";

/** The most that one call reads. */
const READ_CALL = 16 * 2 ** 20;

/** `length` bytes made of the file's; null after what is wrong with the file was printed, as C's perror does. */
export function* bytesOfFile(file: string, length: number): Program<Uint8Array | null> {
  const opened = yield* call("open", { file, format: "raw", readOnly: true });
  if (!opened.ok) {
    yield errorOut(`${file}: ${opened.error.kind === "file" ? fileWords(opened.error) : strerror(opened.error)}\n`);
    return null;
  }
  const { handle, facts } = opened.value;
  const period = Math.min(length, facts.image.fileSize);
  const bytes = new Uint8Array(length);
  let failure: string | null = period === 0 ? "file is empty" : null;
  for (let at = 0; at < period && failure === null; at += READ_CALL) {
    const read = yield* call("read", { handle, offset: at, length: Math.min(READ_CALL, period - at), pattern: null, wantData: true });
    if (!read.ok) failure = strerror(read.error);
    else if (read.value.data !== null) bytes.set(read.value.data, at);
  }
  yield* call("close", { handle });
  if (failure !== null) {
    yield errorOut(`${file}: ${failure}\n`);
    return null;
  }
  for (let at = period; at < length; at += period) bytes.copyWithin(at, 0, Math.min(period, length - at));
  return bytes;
}
