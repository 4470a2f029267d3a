/** File systems that write zones, over power cuts and power offs: what the guest had made durable is there when it starts again. */
import { expect, test } from "vitest";
import { KIB, MIB, createOptions } from "../../src/testing/engine-fixture.ts";
import { Session } from "./session.ts";

const LONG_MS = 240_000;

test("f2fs and zonefs keep what was synced over a cut of the power, and Linux takes the disk again", async () => {
  const first = await Session.start([
    createOptions({ sizeBytes: 192 * MIB, zoned: { zoneSize: 4 * MIB, zoneCapacity: 4 * MIB, conventionalZones: 8, maxAppendBytes: 128 * KIB } }),
    createOptions({ sizeBytes: 32 * MIB, zoned: { zoneSize: 4 * MIB, zoneCapacity: 3 * MIB, maxOpenZones: 6, maxActiveZones: 8, maxAppendBytes: 128 * KIB } }),
  ]);
  const must = async (session: Session, line: string): Promise<string> => {
    const { text, status } = await session.run(line);
    if (status !== 0) throw new Error(`${line}: ended with ${status}\n${text}`);
    return text.trim();
  };
  await must(first, "mkfs.f2fs -m -f /dev/vda >/dev/null && mkdir -p /mnt/f /mnt/z && mount -t f2fs /dev/vda /mnt/f");
  await must(first, "mkzonefs -f /dev/vdb >/dev/null && mount -t zonefs /dev/vdb /mnt/z");
  const sum = await must(first, "for i in 1 2 3; do cp /bin/busybox /mnt/f/$i; done; sync; sha256sum < /mnt/f/1");
  await must(first, "dd if=/bin/busybox of=/mnt/z/seq/2 bs=64k count=4 oflag=direct,append conv=notrunc,fsync 2>/dev/null");
  expect(await must(first, "stat -c %s /mnt/z/seq/2")).toBe(String(256 * KIB));

  await first.machine.cutPower();
  for (const handle of first.handles) await first.fixture.ok("powerCycle", { handle });

  const second = await Session.attach(first.fixture, first.handles);
  await must(second, "mkdir -p /mnt/f /mnt/z && mount -t f2fs /dev/vda /mnt/f && mount -t zonefs /dev/vdb /mnt/z");
  expect(await must(second, "cat /mnt/f/1 /mnt/f/2 /mnt/f/3 | head -c $(stat -c %s /mnt/f/1) | sha256sum")).toBe(sum);
  for (const name of ["2", "3"]) expect(await must(second, `sha256sum < /mnt/f/${name}`)).toBe(sum);
  expect(await must(second, "head -c 262144 /mnt/z/seq/2 | cmp -n 262144 - /bin/busybox && stat -c %s /mnt/z/seq/2")).toBe(String(256 * KIB));

  await second.powerOff();
  expect(second.fixture.engine.hasUnflushed).toBe(false);
  for (const handle of second.handles) {
    expect(await second.fixture.ok("check", { handle })).toMatchObject({ corruptions: 0, checkErrors: 0 });
  }
}, LONG_MS);
