/** What crosses the worker's border, in one import. */
export * from "./amend.ts";
export * from "./calls.ts";
export * from "./check.ts";
export * from "./crash.ts";
export * from "./dialect.ts";
export * from "./events.ts";
export * from "./failures.ts";
export * from "./guest.ts";
export * from "./inspect.ts";
export * from "./measure.ts";
export * from "./move.ts";
export * from "./profiles.ts";
export * from "./snapshot.ts";
export * from "./source.ts";
export * from "./source-names.ts";
export * from "./workload.ts";
export * from "./zone-options.ts";
