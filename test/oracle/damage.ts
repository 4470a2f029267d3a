/** Damage to image files, by the structure that is hit. */
import { readFileSync, writeFileSync } from "node:fs";

const OFFSET_MASK = 0x00ff_ffff_ffff_fe00n;

/** An image file's bytes with the places that damage is done to. */
export class Patient {
  private readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  private word(at: number): number {
    return Number(this.bytes.readBigUInt64BE(at));
  }

  private change(at: number, change: (entry: bigint) => bigint): void {
    this.bytes.writeBigUInt64BE(BigInt.asUintN(64, change(this.bytes.readBigUInt64BE(at))), at);
  }

  l1(index: number, change: (entry: bigint) => bigint): void {
    this.change(this.word(40) + index * 8, change);
  }

  /** An entry of the first L2 table. */
  l2(index: number, change: (entry: bigint) => bigint): void {
    const table = Number(this.bytes.readBigUInt64BE(this.word(40)) & OFFSET_MASK);
    this.change(table + index * 8, change);
  }

  l2Entry(index: number): bigint {
    let found = 0n;
    this.l2(index, (entry) => (found = entry));
    return found;
  }

  /** The refcount of a cluster of the first refcount block. */
  refcount(cluster: number, value: number): void {
    this.bytes.writeUInt16BE(value, this.word(this.word(48)) + cluster * 2);
  }

  /** The first snapshot's entry with so many bytes of extra data, fewer than it has. */
  snapshotExtra(lengthBytes: number): void {
    const at = this.word(64);
    const before = this.bytes.readUInt32BE(at + 36);
    const names = this.bytes.readUInt16BE(at + 12) + this.bytes.readUInt16BE(at + 14);
    this.bytes.copyWithin(at + 40 + lengthBytes, at + 40 + before, at + 40 + before + names);
    this.bytes.writeUInt32BE(lengthBytes, at + 36);
  }

  /** The low byte of the incompatible features: 1 is dirty, 2 is corrupt. */
  incompatible(bits: number): void {
    this.bytes[79] = bits;
  }

  refcountTable(index: number, change: (entry: bigint) => bigint): void {
    this.change(this.word(48) + index * 8, change);
  }
}

/** Copies an image, every byte written so that no hole is left, with damage done on the way. */
export function damagedCopy(from: string, to: string, damage: (patient: Patient) => void = () => undefined, cutBytes = 0): void {
  const bytes = readFileSync(from);
  damage(new Patient(bytes));
  writeFileSync(to, bytes.subarray(0, bytes.length - cutBytes));
}
