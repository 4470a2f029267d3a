/** Workloads: a job in, requests out. */
export * from "./host.ts";
export * from "./job.ts";
export * from "./log-store.ts";
export * from "./requests.ts";
export * from "./source.ts";
export * from "./stamp.ts";
