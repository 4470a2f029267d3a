/** Where `?image=` leads, and what is shown of an address before anybody is asked. */
import { expect, test } from "vitest";
import { imageOf, partsOf, remotePageFor } from "../../../src/state/remote-address.ts";

test("a query with an image leads to the page for it, whatever the URL holds, and no other does", () => {
  const image = "https://example.test/a b.qcow2?x=1&y=2#z";
  const target = remotePageFor(`?image=${encodeURIComponent(image)}&embed=1`);
  expect(target?.startsWith("remote.html?")).toBe(true);
  expect(imageOf(target!.slice("remote.html".length))).toBe(image);
  expect(remotePageFor("?embed=1")).toBeNull();
  expect(remotePageFor("")).toBeNull();
});

test("the server is named as it is asked, and what is no address of the web has none", () => {
  expect(partsOf("https://ex\u0430mple.test:8443/a/b.qcow2?t=1")).toEqual({ host: "xn--exmple-4nf.test:8443", path: "/a/b.qcow2?t=1" });
  expect(partsOf("https://user@evil.test/")).toEqual({ host: "evil.test", path: "/" });
  for (const text of ["", "disk.qcow2", "file:///etc/passwd", "javascript:alert(1)", "data:,x", "blob:https://example.test/1"]) expect(partsOf(text)).toBeNull();
});
