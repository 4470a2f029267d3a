/** What the "New image" dialog asks for, and the qemu-img line that makes it. */
import { SECTOR_SIZE } from "../base/units.ts";
import { quoteWord } from "../command/create-line.ts";
import { zoneOptionWords } from "../protocol/index.ts";
import { commandSize } from "./units.ts";

export interface NewImage {
  readonly name: string;
  /** Sizes as typed: the line passes them on and the engine judges them. */
  readonly size: string;
  readonly zoned: boolean;
  readonly zoneSize: string;
  readonly zoneCapacity: string;
  readonly conventionalZones: string;
  readonly maxOpenZones: string;
  readonly maxActiveZones: string;
  readonly maxAppend: string;
}

/** A new image's fields as the dialog first shows them. */
export const NEW_IMAGE: NewImage = {
  name: "disk.qcow2",
  size: "768M",
  zoned: true,
  zoneSize: "64M",
  zoneCapacity: "64M",
  conventionalZones: "0",
  maxOpenZones: "0",
  maxActiveZones: "0",
  maxAppend: "256K",
};

/** The image of the first visit: small, and every kind of thing to see on its map. */
export const WELCOME_IMAGE: NewImage = {
  name: "welcome.qcow2",
  size: "12M",
  zoned: true,
  zoneSize: "1M",
  zoneCapacity: "768K",
  conventionalZones: "2",
  maxOpenZones: "3",
  maxActiveZones: "5",
  maxAppend: "128K",
};

/** In bytes as typed, to sectors as the option wants them; anything else goes through for the engine to refuse. */
function appendSectors(text: string, parse: (text: string) => number | null): string {
  const lengthBytes = parse(text);
  return lengthBytes === null ? text.trim() : String(lengthBytes / SECTOR_SIZE);
}

/** The equivalent qemu-img command; `parse` reads a size as the dialog's fields have it. */
export function createLine(image: NewImage, parse: (text: string) => number | null): string {
  const size = (text: string): string => {
    const lengthBytes = parse(text);
    return lengthBytes === null ? text.trim() : commandSize(lengthBytes);
  };
  const words = ["qemu-img", "create", "-f", "qcow2", quoteWord(image.name.trim())];
  const options: string[] = [`size=${size(image.size)}`];
  if (image.zoned) {
    options.push(
      ...zoneOptionWords({
        zoneSize: size(image.zoneSize),
        zoneCapacity: size(image.zoneCapacity),
        conventionalZones: image.conventionalZones.trim(),
        maxAppendSectors: appendSectors(image.maxAppend, parse),
        maxOpenZones: image.maxOpenZones.trim(),
        maxActiveZones: image.maxActiveZones.trim(),
      }),
    );
  }
  for (const option of options) words.push("-o", quoteWord(option));
  return words.join(" ");
}
