/** How much room a new image would need. */

/** What would be made. */
export type MeasuredTarget =
  | { readonly format: "raw" }
  | {
      readonly format: "qcow2";
      readonly version: 2 | 3;
      /** 512 to 2 MiB. */
      readonly clusterSize: number;
      readonly refcountBits: number;
      readonly extendedL2: boolean;
      /** All of the disk is written when it is made. */
      readonly fullData: boolean;
      /** It stands on a backing file, of which nobody knows how much it has of the disk: as if it had nothing. */
      readonly backed: boolean;
    };

export interface Measurement {
  readonly requiredBytes: number;
  /** Were every cluster of the disk written. */
  readonly fullyAllocatedBytes: number;
  /** Of the source's bitmaps beside; null where source or target have none by their formats. */
  readonly bitmapsBytes: number | null;
}
