/** The engine behind remote.html: a worker of its own, which reads files at URLs and has no library. */
import workerAddress from "../worker/remote.ts?worker&url";
import { EngineClient } from "./engine-client.ts";
import { scriptAddress } from "./trusted.ts";

export const startRemoteEngine = (): EngineClient => new EngineClient(() => new Worker(scriptAddress(workerAddress), { type: "module", name: "zonescope remote engine" }));
