/** A Blob whose bytes can be had synchronously, which Node's own cannot; stands in for FileReaderSync in tests. */
export class BytesBlob extends Blob {
  readonly bytesNow: Uint8Array<ArrayBuffer>;
  constructor(bytes: Uint8Array<ArrayBuffer>) {
    super([bytes]);
    this.bytesNow = bytes;
  }
  override slice(start = 0, end = this.size): BytesBlob {
    return new BytesBlob(this.bytesNow.slice(start, end));
  }
}

export function readBytesBlob(blob: Blob): ArrayBuffer {
  if (!(blob instanceof BytesBlob)) throw new Error("not a BytesBlob");
  return blob.bytesNow.buffer;
}
