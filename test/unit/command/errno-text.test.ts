/** The text of an error that a rule asked for, which may be any number. */
import { expect, test } from "vitest";
import { strerror } from "../../../src/command/strerror.ts";

const failure = (errno: number) => ({ kind: "store", code: "io", operation: "read", store: "a", offset: 0, lengthBytes: 512, detail: "a rule of blkdebug", errno }) as const;

test.each([[5, "Input/output error"], [28, "No space left on device"], [71, "Protocol error"], [110, "Connection timed out"], [4095, "Unknown error 4095"]])("%i", (errno, text) => {
  expect(strerror(failure(errno))).toBe(text);
  expect(strerror({ kind: "move", subject: "source", step: "read", offset: 0, cause: failure(errno) })).toBe(text);
});
