/** Opening and making images for a program that uses the package: an engine of its own over the stores that are handed in. */
import type { ByteStore } from "../bytes/byte-store.ts";
import type { FileSpace } from "../bytes/file-space.ts";
import { Engine } from "../engine/engine.ts";
import type { CreateOptions, ZonedCreateOptions } from "../protocol/index.ts";
import { Image } from "./image.ts";
import { orThrow } from "./image-error.ts";
import { NamedStores } from "./stores.ts";

/** An image by its name among files: stores under names (`NamedStores`), or a folder (`Folder` of zonescope/node). */
export interface NamedImage {
  readonly files: FileSpace;
  readonly name: string;
}

export interface OpenImageOptions {
  /** Nothing is written, not even what a repair at opening would. */
  readonly readOnly?: boolean;
  /** Takes the file as this; without it the qcow2 magic decides, and what has none is raw. */
  readonly format?: "qcow2" | "raw";
}

export interface CreateImageOptions {
  /** Size of the guest's disk in bytes, a multiple of 512. */
  readonly size: number;
  /** 512 bytes to 2 MiB, a power of two; 64 KiB where it is absent. */
  readonly clusterSize?: number;
  /** Makes the disk zoned. Sizes are bytes; a limit of 0 is none. */
  readonly zoned?: Omit<ZonedCreateOptions, "dialect" | "conventionalZones" | "maxOpenZones" | "maxActiveZones"> & Partial<ZonedCreateOptions>;
  /** The rest of what an image can be made with, as `qemu-img create -o` has it. */
  readonly more?: Partial<Omit<CreateOptions, "sizeBytes" | "clusterSize" | "zoned">>;
}

/** The name of a store that is handed in alone. */
const ALONE = "image";

const placeOf = (source: ByteStore | NamedImage): NamedImage => ("files" in source ? source : { files: new NamedStores({ [ALONE]: source }), name: ALONE });

const engineOver = (files: FileSpace): Engine => new Engine({ files, notify: () => undefined, now: () => Date.now() });

/**
 * Opens an image. A store that is handed in alone is the whole image: where it names a backing or a data file, opening fails and says
 * which. An image with the dirty bit that is to be written is repaired first, as QEMU does.
 * @throws ImageError for what is no image, is broken, or cannot be had
 */
export async function openImage(source: ByteStore | NamedImage, options: OpenImageOptions = {}): Promise<Image> {
  const { files, name } = placeOf(source);
  const engine = engineOver(files);
  const readOnly = options.readOnly ?? ("files" in source ? false : source.readOnly);
  const { handle, facts } = orThrow(await engine.perform("open", { file: name, format: options.format ?? null, readOnly, mend: !readOnly }));
  return Image.of(engine, handle, facts);
}

/**
 * Makes a qcow2 image, replacing everything that the store held, and opens it to be written.
 * @throws ImageError with kind "option" for a value that cannot be
 */
export async function createImage(target: ByteStore | NamedImage, options: CreateImageOptions): Promise<Image> {
  const { files, name } = placeOf(target);
  const zoned = options.zoned === undefined ? null : { dialect: "v4" as const, conventionalZones: 0, maxOpenZones: 0, maxActiveZones: 0, ...options.zoned };
  const whole: CreateOptions = { refcountBits: 16, ...options.more, sizeBytes: options.size, clusterSize: options.clusterSize ?? 64 * 1024, zoned };
  const engine = engineOver(files);
  orThrow(await engine.perform("create", { file: name, options: whole }));
  const { handle, facts } = orThrow(await engine.perform("open", { file: name, format: "qcow2", readOnly: false }));
  return Image.of(engine, handle, facts);
}
