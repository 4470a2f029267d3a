/** Jobs carried out to their end over an engine in memory, for tests. */
import type { Failure, JobSpec, WorkloadReport, ZonedCreateOptions } from "../../../src/protocol/index.ts";
import { createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";
import type { EngineFixture } from "../../../src/testing/engine-fixture.ts";
import { DEFAULT_JOB } from "../../../src/workload/index.ts";

export type JobChanges = Partial<Omit<JobSpec, "store">> & { readonly store?: Partial<JobSpec["store"]> };

export const jobOf = ({ store, ...words }: JobChanges): JobSpec => ({ ...DEFAULT_JOB, ...words, store: { ...DEFAULT_JOB.store, ...store } });

export interface Bench extends EngineFixture {
  readonly handle: number;
  /** Carries a job out to its end. @param perTurn requests of a turn; `between` runs after each */
  run(words: JobChanges, perTurn?: number, between?: () => Promise<void>): Promise<WorkloadReport>;
  refused(words: JobChanges): Promise<Failure>;
}

/** A new disk of twelve zones of 1 MiB, or as the options say; null for one without zones. */
export async function bench(zoned: Partial<ZonedCreateOptions> | null = {}, sizeBytes?: number): Promise<Bench> {
  const fixture = engineFixture();
  await fixture.ok("create", { file: "disk.qcow2", options: createOptions({ zoned, ...(sizeBytes === undefined ? {} : { sizeBytes }) }) });
  const { handle } = await fixture.ok("open", { file: "disk.qcow2", readOnly: false, format: null });
  return {
    ...fixture,
    handle,
    run: async (words, perTurn = 1000, between) => {
      const started = await fixture.ok("startWorkload", { handle, job: jobOf(words) });
      let report = started.report;
      for (let turns = 0; report.end === null; turns++) {
        if (turns > 100_000) throw new Error("the job does not end");
        ({ report } = await fixture.ok("workloadTurn", { workload: started.workload, requests: perTurn, turnMs: 100 }));
        await between?.();
      }
      return (await fixture.ok("endWorkload", { workload: started.workload })).report;
    },
    refused: (words) => fixture.fail("startWorkload", { handle, job: jobOf(words) }),
  };
}
