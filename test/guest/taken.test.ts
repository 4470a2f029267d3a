/** Which disks Linux takes and which it does not: what the page refuses to attach is held against the committed kernel. */
import { expect, test } from "vitest";
import { guestRefusal } from "../../src/guest/block-config.ts";
import { KIB, MIB, createOptions } from "../../src/testing/engine-fixture.ts";
import { Session } from "./session.ts";

test("a disk of less than a zone is not taken; one with zones and an append limit of a sector is", async () => {
  const less = createOptions({ sizeBytes: MIB, zoned: { zoneSize: 4 * MIB, zoneCapacity: 4 * MIB } });
  const tiny = createOptions({ sizeBytes: 64 * KIB, zoned: { zoneSize: 512, zoneCapacity: 512, maxAppendBytes: 512 } });
  const session = await Session.start([less, tiny]);
  const refusals = [];
  for (const handle of session.handles) refusals.push(guestRefusal(await session.fixture.ok("facts", { handle })));
  expect(refusals).toEqual([expect.objectContaining({ code: "less-than-a-zone" }), null]);
  // The name that the first did not take goes to the second.
  expect((await session.run("ls /sys/block | grep vd")).text.trim()).toBe("vda");
  expect((await session.run("cat /sys/block/vda/queue/zoned /sys/block/vda/queue/nr_zones")).text.trim()).toBe("host-managed\n128");
  expect((await session.run("dmesg | grep -c 'failed to revalidate zones'")).text.trim()).toBe("1");
  expect((await session.run("blkzone finish -o 5 -c 1 /dev/vda && blkzone report -o 5 -c 1 /dev/vda")).text).toContain("(fu)");
  await session.machine.cutPower();
}, 240_000);
