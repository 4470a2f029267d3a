/** Random histories of a small zoned disk in the page: every kind of command that a person has, refusals included. */
import type { Random } from "../../../src/base/random.ts";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import type { App } from "../../../src/state/app.ts";
import { frames, started } from "./app-fixture.ts";

const KIB = 1024;
export const ZONE = 64 * KIB;
export const ZONES = 12;
/** A capacity below the size, two conventional zones, a short last zone, limits that are soon reached. */
export const CREATE = "qemu-img create -q -f qcow2 -o size=736K,zone_size=64K,zone_capacity=48K,nr_conv_zones=2,max_open_zones=3,max_active_zones=5,max_append_sectors=64,zone_model=1";

export interface History {
  readonly app: App;
  readonly files: MemoryFiles;
  readonly file: string;
}

/** A page with such a disk, new. @param create another line than CREATE, without the name */
export async function newHistory(file = "h.qcow2", create = CREATE): Promise<History> {
  const files = new MemoryFiles();
  const app = await started(files);
  await app.console.run(`${create} ${file}`);
  await frames();
  return { app, files, file };
}

/** Does one thing, perhaps in vain. */
export async function doSomething({ app, file }: History, random: Random): Promise<void> {
  const zone = random.below(ZONES);
  const at = `${zone * 64}K`;
  const whole = `${at} ${zone === ZONES - 1 ? "32K" : "64K"}`;
  const pattern = `0x${random.below(256).toString(16)}`;
  const panel = (operation: "append" | "write"): Promise<void> =>
    app.zones.perform({ operation, zone, offset: null, lengthBytes: 512 * (1 + random.below(80)), pattern: random.below(256) });
  const run = async (line: string): Promise<void> => void (await app.console.run(line));
  const deeds: readonly (() => Promise<unknown>)[] = [
    () => panel("append"),
    () => panel("append"),
    () => panel("write"),
    () => panel("write"),
    () => run(`zap ${at} 4k 512`),
    () => run(`write -P ${pattern} ${random.below(2) * 64 + random.below(60)}K 2K`),
    () => run(`write -z ${random.below(3) === 0 ? "0 8K" : `${at} 4K`}`),
    () => run(`discard ${at} 16K`),
    () => run(`zo ${whole}`),
    () => run(`zc ${whole}`),
    () => run(`zf ${whole}`),
    () => run(`zrs ${whole}`),
    () => run("zrs 0 736K"),
    () => app.device.powerCycle(),
    () => run(`qemu-io -c 'zap ${at} 8k' -c 'zo ${whole}' ${file}`),
    () => run(`qemu-img check -q -r all ${file}`),
    () => run(`qemu-img snapshot -c now ${file}`),
    () => run(`qemu-io -s -c 'write -P 0xee 0 4k' ${file}`),
  ];
  // What opens the image anew comes less often: nothing is open behind it.
  const common = random.below(4) > 0;
  await deeds[random.below(common ? deeds.length - 5 : deeds.length)]!();
  await frames();
}
