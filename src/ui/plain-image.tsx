/** What the map shows for an image without zones: that it has none, and what it is. */
import type { DeviceFacts } from "../protocol/index.ts";
import { formatBytes, formatCount, formatRoughBytes } from "../state/units.ts";

export function PlainImage({ facts }: { facts: DeviceFacts }) {
  const { image } = facts;
  const rows: readonly (readonly [string, string])[] = [
    ["Format", image.format === "raw" ? "raw" : `qcow2, version ${image.version}`],
    ["Virtual size", `${formatBytes(image.virtualSize)} (${formatCount(image.virtualSize)} bytes)`],
    ["File size", `${formatRoughBytes(image.fileSize)} (${formatCount(image.fileSize)} bytes)`],
    ...(image.format === "raw"
      ? []
      : ([
          ["Cluster size", formatBytes(image.clusterSize)],
          ["Refcounts", `${image.refcountBits} bits`],
          ["Compression", image.compressionType],
          ["Lazy refcounts", image.lazyRefcounts ? "yes" : "no"],
          ["Extended L2 entries", image.extendedL2 ? "yes" : "no"],
          ["Internal snapshots", formatCount(image.snapshotCount)],
          ["Marked corrupt", image.corrupt ? "yes" : "no"],
        ] as const)),
  ];
  return (
    <div className="plain-image" tabIndex={0} role="group" aria-label="About the image">
      <h3>This image has no zones</h3>
      <p className="quiet">
        {image.readOnly
          ? "It is open for reading: the console's read and map commands work on it."
          : "It can be read and written anywhere: the console's read, write and map commands work on it."}
      </p>
      <dl className="facts">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="mono">{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
