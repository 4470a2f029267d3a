/**
 * The disk that a link's commands act on when none of its lines makes one: what a line written by hand can count on. It belongs to
 * the meaning of every link that was ever shared, so it never changes.
 */
export const LINK_DISK_NAME = "disk.qcow2";

/** 12 zones of 1 MiB with 768 KiB to write, two of them conventional; at most 3 open and 5 active, appends of up to 128 KiB. */
export const LINK_DISK_LINE =
  `qemu-img create -f qcow2 ${LINK_DISK_NAME} -o size=12M -o zone_model=1 -o zone_size=1M -o zone_capacity=768K ` +
  "-o nr_conv_zones=2 -o max_append_sectors=256 -o max_open_zones=3 -o max_active_zones=5";
