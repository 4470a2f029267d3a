/**
 * The calls that make files: an image with its external data file, a raw file. What had the name is replaced; what cannot be made
 * whole is removed again.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import type { CreateOptions, Failure, Preallocation } from "../protocol/index.ts";
import { failureOf } from "./border.ts";
import { checkCreateOptions, newImage, newRaw } from "./create-image.ts";
import type { Job, Work } from "./jobs.ts";
import type { Library } from "./library-calls.ts";
import { dataFilePath } from "./open-chain.ts";

type Made = Result<{ readonly done: true }, Failure>;

export async function createImageFile(library: Library, file: string, options: CreateOptions, job: Job): Promise<Made> {
  // Before a file is opened: opening to create empties what had the name, and a refusal must leave it as it was.
  const bad = checkCreateOptions(options);
  if (bad !== null) return err(bad);
  const { dataFile = null } = options;
  const dataName = dataFile === null ? null : dataFilePath(dataFile.file);
  if (dataName !== null && library.identity(dataName) === library.identity(file)) return err({ kind: "chain", code: "cycle", file: dataName });
  const data = dataName === null ? null : await library.open(dataName, "create");
  if (data !== null && !data.ok) return data;
  try {
    return await makeFile(library, file, job, (store) => newImage(store, data?.value ?? null, dataFile === null ? options : { ...options, dataFile: { ...dataFile, file: dataName ?? dataFile.file } }));
  } finally {
    data?.value.close();
  }
}

export const createRawFile = (library: Library, file: string, sizeBytes: number, preallocation: Preallocation, job: Job): Promise<Made> =>
  makeFile(library, file, job, (store) => newRaw(store, sizeBytes, preallocation));

/** Makes a file by work on its empty store. */
async function makeFile(library: Library, file: string, job: Job, work: (store: ByteStore) => Work<Result<null, Failure>>): Promise<Made> {
  const opened = await library.open(file, "create");
  if (!opened.ok) return opened;
  let made: Result<null, Failure>;
  try {
    made = await job.outcome(work(opened.value));
  } catch (error) {
    made = err(failureOf(error));
  } finally {
    opened.value.close();
  }
  if (made.ok) return ok({ done: true });
  await library.remove(file);
  return made;
}
