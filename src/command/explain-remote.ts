/** Why a file at a URL cannot be read, in words, and what its server would have to do. */
import { assertNever } from "../base/assert.ts";
import type { RemoteProblem } from "../protocol/index.ts";
import type { Explanation } from "./explain.ts";
import { visibleText } from "./visible-text.ts";

export function explainRemote({ code, url, host, status }: RemoteProblem): Explanation {
  const said = (title: string, why: string, instead: string | null): Explanation => ({ title, why, instead, names: null });
  const server = visibleText(host);
  const download = "Download the file and open it from this computer.";
  switch (code) {
    case "bad-url":
      return said("Not an address", `"${visibleText(url)}" is no http or https address without a password.`, "Give the whole address of the file, from https:// on.");
    case "unreachable":
      return said("The server cannot be reached", `${server} does not answer, or may not be asked from this page.`, "Look whether the address is right and the server runs.");
    case "cors":
      return said("The server does not let pages read the file", `${server} answers, and without the header Access-Control-Allow-Origin a browser shows this page nothing of it.`, `${download} On a server of your own, allow this page's origin and expose Content-Range and ETag.`);
    case "no-ranges":
      return said("The server sends files only as a whole", `${server} did not answer a request for a part of the file with that part (status 206); it would have to be downloaded whole.`, download);
    case "no-length":
      return said("The length of the file is not known", `${server} says nowhere how long the file is, or it is empty.`, `${download} On a server of your own, expose the header Content-Range.`);
    case "status":
      return said("The server refused", `${server} answered with status ${status ?? "unknown"}${status === 404 ? ": there is no such file" : ""}.`, status === 404 ? "Look whether the address is right." : null);
    default:
      return assertNever(code);
  }
}
