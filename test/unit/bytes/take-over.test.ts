/** Two tabs and one image, over a channel that delivers to everyone but the sender, a moment later. */
import { describe, expect, test } from "vitest";
import { announceTakeOver, onTakeOverRequest } from "../../../src/bytes/take-over.ts";
import type { TakeOverChannel } from "../../../src/bytes/take-over.ts";

type Listener = (event: { readonly data: unknown }) => void;

function tabs(count: number): { channels: TakeOverChannel[]; listenerCount: () => number } {
  const listeners = Array.from({ length: count }, () => new Set<Listener>());
  const channels = listeners.map((own, self) => ({
    postMessage: (message: unknown) => {
      const data: unknown = structuredClone(message);
      listeners.forEach((set, index) => {
        if (index !== self) queueMicrotask(() => set.forEach((listener) => listener({ data })));
      });
    },
    addEventListener: (_: "message", listener: Listener) => void own.add(listener),
    removeEventListener: (_: "message", listener: Listener) => void own.delete(listener),
  }));
  return { channels, listenerCount: () => listeners.reduce((sum, set) => sum + set.size, 0) };
}

const holds = (held: string, log: string[]) => async (file: string): Promise<boolean> => {
  if (file !== held) return false;
  await new Promise((resolve) => setTimeout(resolve, 5));
  log.push(`let go of ${file}`);
  return true;
};

describe("taking over", () => {
  test("resolves once the tab that has it let go; others say nothing", async () => {
    const { channels, listenerCount } = tabs(3);
    const log: string[] = [];
    onTakeOverRequest(channels[1]!, holds("other.qcow2", log));
    onTakeOverRequest(channels[2]!, holds("x.qcow2", log));
    expect(await announceTakeOver(channels[0]!, "x.qcow2")).toBe(true);
    expect(log).toEqual(["let go of x.qcow2"]);
    expect(listenerCount()).toBe(2);
  });

  test("is false when nobody answers in time", async () => {
    const { channels, listenerCount } = tabs(2);
    onTakeOverRequest(channels[1]!, holds("other.qcow2", []));
    expect(await announceTakeOver(channels[0]!, "x.qcow2", 30)).toBe(false);
    expect(listenerCount()).toBe(1);
  });

  test("is false at once when letting go failed", async () => {
    const { channels } = tabs(2);
    onTakeOverRequest(channels[1]!, () => Promise.reject(new Error("flush failed")));
    const before = Date.now();
    expect(await announceTakeOver(channels[0]!, "x.qcow2")).toBe(false);
    expect(Date.now() - before).toBeLessThan(2000);
  });

  test("two askers at once each get the answer to their own request", async () => {
    const { channels } = tabs(3);
    const log: string[] = [];
    onTakeOverRequest(channels[2]!, holds("x.qcow2", log));
    const answers = await Promise.all([announceTakeOver(channels[0]!, "x.qcow2", 200), announceTakeOver(channels[1]!, "y.qcow2", 50)]);
    expect(answers).toEqual([true, false]);
  });

  test("a tab that stopped answering is silent, and foreign messages are ignored", async () => {
    const { channels } = tabs(2);
    const stop = onTakeOverRequest(channels[1]!, async () => true);
    channels[0]!.postMessage("hello");
    channels[0]!.postMessage(null);
    stop();
    expect(await announceTakeOver(channels[0]!, "x.qcow2", 30)).toBe(false);
  });

  test("works over the platform's BroadcastChannel", async () => {
    const [asker, holder] = [new BroadcastChannel("zonescope:test"), new BroadcastChannel("zonescope:test")];
    onTakeOverRequest(holder, holds("x.qcow2", []));
    expect(await announceTakeOver(asker, "x.qcow2")).toBe(true);
    asker.close();
    holder.close();
  });
});
