/** What is told of a file, for a program to read. Apart from the words for people, so that the page has it without loading those. */
import { LAYOUT_KINDS } from "../protocol/index.ts";
import type { LayoutReport, ReplyOf } from "../protocol/index.ts";

export type Inspection = Pick<ReplyOf<"inspect">, "identity" | "header">;

/** The same that the page's inspector has, as JSON. @param layout what its clusters hold; null where that is not known */
export function inspectionJson(file: string, { identity, header }: Inspection, layout: LayoutReport | null): string {
  const counts = layout && Object.fromEntries(LAYOUT_KINDS.map((kind, index) => [kind, layout.counts[index]]));
  const laidOut = layout && { clusterSize: layout.clusterSize, clusters: layout.clusters, counts, problem: layout.problem };
  return `${JSON.stringify({ file, identity, header, layout: laidOut }, null, 4)}\n`;
}
