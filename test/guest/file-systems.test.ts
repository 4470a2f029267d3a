/** File systems that write zones, over power cuts and power offs: what the guest had made durable is there when it starts again. */
import { expect, test } from "vitest";
import { KIB, MIB, createOptions } from "../../src/testing/engine-fixture.ts";
import { Session } from "./session.ts";

const LONG_MS = 240_000;

const must = async (session: Session, line: string): Promise<string> => {
  const { text, status } = await session.run(line);
  if (status !== 0) throw new Error(`${line}: ended with ${status}\n${text}`);
  return text.trim();
};

test("f2fs and zonefs keep what was synced over a cut of the power, and Linux takes the disk again", async () => {
  const first = await Session.start([
    createOptions({ sizeBytes: 128 * MIB, zoned: { zoneSize: 2 * MIB, zoneCapacity: 2 * MIB, conventionalZones: 8, maxAppendBytes: 128 * KIB } }),
    createOptions({ sizeBytes: 32 * MIB, zoned: { zoneSize: 4 * MIB, zoneCapacity: 3 * MIB, maxOpenZones: 6, maxActiveZones: 8, maxAppendBytes: 128 * KIB } }),
  ]);
  await must(first, "mkfs.f2fs -q -m -f /dev/vda && mkdir -p /mnt/f /mnt/z && mount -t f2fs /dev/vda /mnt/f");
  await must(first, "mkzonefs -f /dev/vdb >/dev/null && mount -t zonefs /dev/vdb /mnt/z");
  await must(first, "for i in 1 2 3; do dd if=/bin/busybox of=/mnt/f/$i bs=128k count=1 skip=$i 2>/dev/null; done; sync");
  await must(first, "dd if=/bin/busybox of=/mnt/z/seq/2 bs=64k count=2 oflag=direct,append conv=notrunc,fsync 2>/dev/null");

  await first.machine.cutPower();
  for (const handle of first.handles) await first.fixture.ok("powerCut", { handle });
  const [f2fs = 0, zonefs = 0] = first.handles;
  await first.fixture.ok("close", { handle: zonefs });
  const { handle: readable } = await first.fixture.ok("open", { file: "disk1", format: "qcow2", readOnly: true });

  const second = await Session.attach(first.fixture, [f2fs, readable]);
  await must(second, "mkdir -p /mnt/f /mnt/z && mount -t f2fs /dev/vda /mnt/f && mount -t zonefs -o ro /dev/vdb /mnt/z");
  await must(second, "for i in 1 2 3; do dd if=/bin/busybox bs=128k count=1 skip=$i 2>/dev/null | cmp - /mnt/f/$i || break; done");
  expect(await must(second, "cmp -n 131072 /mnt/z/seq/2 /bin/busybox && stat -c %s /mnt/z/seq/2")).toBe(String(128 * KIB));

  // What is open for reading alone is so for Linux.
  const zones = await second.fixture.ok("report", { handle: readable, offset: 0, count: 8 });
  expect(await must(second, "cat /sys/block/vdb/ro")).toBe("1");
  expect((await second.run("umount /mnt/z; blkzone reset /dev/vdb")).status).not.toBe(0);
  expect(await second.fixture.ok("report", { handle: readable, offset: 0, count: 8 })).toEqual(zones);

  await second.end("reboot");
  expect(second.fixture.engine.hasUnflushed).toBe(false);
  for (const handle of [f2fs, readable]) {
    expect(await second.fixture.ok("check", { handle })).toMatchObject({ corruptions: 0, checkErrors: 0 });
  }
}, LONG_MS);
