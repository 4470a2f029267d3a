/** What the inspector shows, as data: which file, which tab, what is known of it, and the one place that is selected. */
import type { CheckReport, CompressedReport, FileIdentity, HeaderReport, LayoutReport, Place, RepairReport, ReplyOf, SnapshotFacts } from "../protocol/index.ts";
import type { FailureText } from "./failure-text.ts";

export const INSPECTOR_TABS = ["Header", "Layout", "Tables", "Hex", "Check", "Snapshots", "Workload", "Crash lab", "Terminal"] as const;
export type InspectorTab = (typeof INSPECTOR_TABS)[number];

export type HexView = "host" | "guest";

/** Work that lasts and what came of it; one at a time of each kind. */
export interface Work<Value> {
  readonly running: boolean;
  /** 0 to 1; null before it is known. */
  readonly fraction: number | null;
  readonly value: Value | null;
  readonly failure: FailureText | null;
}
export const NO_WORK: Work<never> = { running: false, fraction: null, value: null, failure: null };

/** What a repair changed in a copy. */
export interface Repair {
  readonly report: RepairReport;
  /** The copy in the library. */
  readonly copy: string;
}

/** A file that was made to be saved. */
export interface MadeFile {
  readonly name: string;
  readonly bytes: number;
  readonly source: Blob | null;
}

export interface Inspection {
  readonly id: number;
  readonly identity: FileIdentity;
  /** null for what is no qcow2. */
  readonly header: HeaderReport | null;
}

export interface InspectorState {
  /** null while it is folded away. */
  readonly tab: InspectorTab | null;
  /** The file that is looked into; null for none. It need not be one that opens. */
  readonly file: string | null;
  /** The file that is read from its server, where there is one: nothing that reads much of it begins by itself. */
  readonly remote: string | null;
  readonly inspection: Inspection | null;
  readonly failure: FailureText | null;
  /** Another number whenever what was read of the file may be read anew. */
  readonly generation: number;
  readonly place: Place | null;
  /** Why the last place could not be told. */
  readonly placeFailure: FailureText | null;
  /** The L1 entry whose L2 table is listed. */
  readonly l1Index: number | null;
  readonly hexView: HexView;
  readonly layout: Work<LayoutReport>;
  readonly check: Work<CheckReport>;
  /** A check of the file was begun; it does not begin by itself again. */
  readonly checkBegun: boolean;
  /** What a repair would change, tried out in memory. */
  readonly plan: Work<ReplyOf<"repairPlan">>;
  readonly repair: Work<Repair>;
  readonly compressed: Work<CompressedReport>;
  readonly snapshots: Work<readonly SnapshotFacts[]>;
  readonly comparison: Work<string>;
  /** A copy that was set back to a snapshot, by its name. */
  readonly reverted: Work<string>;
  /** What is being made to be saved, and then waits to be: it outlives the look into its file, for it says by its name what it is of. */
  readonly save: Work<MadeFile>;
}

export const NOTHING_KNOWN = {
  inspection: null,
  failure: null,
  place: null,
  placeFailure: null,
  l1Index: null,
  layout: NO_WORK,
  check: NO_WORK,
  checkBegun: false,
  plan: NO_WORK,
  repair: NO_WORK,
  compressed: NO_WORK,
  snapshots: NO_WORK,
  comparison: NO_WORK,
  reverted: NO_WORK,
} as const;

export const NO_INSPECTOR: InspectorState = { tab: null, file: null, remote: null, generation: 0, hexView: "host", save: NO_WORK, ...NOTHING_KNOWN };
