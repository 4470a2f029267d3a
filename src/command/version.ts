/** This program's version; a test compares it with package.json. */
export const VERSION = "0.1.0";
/** The QEMU whose words the command language follows. */
export const QEMU_VERSION = "10.0";
/** The util-linux whose words blkzone follows. */
export const UTIL_LINUX_VERSION = "2.41";
