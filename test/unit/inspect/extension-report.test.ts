/** A header extension for which a reader takes no header is the one that the inspector marks. */
import { expect, test } from "vitest";
import { MemoryStore } from "../../../src/bytes/memory-store.ts";
import { inspectHeader } from "../../../src/inspect/header-report.ts";
import { BACKING_FORMAT_MAGIC, encodeHeader } from "../../../src/qcow2/header.ts";

const CLUSTER = 4096;
/** The first extension, or the end mark. */
const FIRST = 112;

function lying(extensions: readonly { readonly magic: number; readonly data: Uint8Array }[], change: (view: DataView) => void): ReturnType<typeof inspectHeader> {
  const store = new MemoryStore("a");
  const bytes = new Uint8Array(8 * CLUSTER);
  bytes.set(encodeHeader({ clusterBits: 12, virtualSize: 65536, l1Size: 1, l1Offset: 3 * CLUSTER, refcountTableOffset: CLUSTER, refcountTableClusters: 1, incompatible: 0n, refcountOrder: 4, extensions }));
  change(new DataView(bytes.buffer));
  store.write(0, bytes);
  return inspectHeader(store);
}

test.each([
  ["an end mark that is longer than what is left", [], (view: DataView) => view.setUint32(FIRST + 4, CLUSTER), FIRST + 4],
  ["an extension that is", [{ magic: 0x1234, data: new Uint8Array(8) }], (view: DataView) => view.setUint32(FIRST + 4, CLUSTER), FIRST + 4],
  ["a few bytes where an end mark should be", [], (view: DataView) => view.setUint32(100, CLUSTER - 4), CLUSTER - 4],
  ["a format's name of 16 bytes", [{ magic: BACKING_FORMAT_MAGIC, data: new Uint8Array(16).fill(0x71) }], () => undefined, FIRST + 4],
] as const)("%s", (_, extensions, change, at) => {
  const report = lying(extensions, change);
  expect(report.header).toBeNull();
  const marked = report.report.extensions.filter(({ problem }) => problem !== null);
  expect(marked).toHaveLength(1);
  expect(marked[0]!.problem).toMatchObject({ structure: "header", hostOffset: at });
});

test("a header that is no multiple of eight bytes long has its extensions listed", () => {
  const { header, report } = lying([], (view) => {
    view.setUint32(100, 107);
    new Uint8Array(view.buffer).fill(0, 104, 200);
  });
  expect(header).not.toBeNull();
  expect(report.extensions).toEqual([{ magic: 0, kind: "end", hostOffset: 107, lengthBytes: 0, fields: [], problem: null }]);
});
