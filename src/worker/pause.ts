/**
 * A pause in long work: resolves behind the messages that wait for the worker. A message of its own does that at once, where a
 * timer would be held up by milliseconds each time.
 */
export function messagePause(): () => Promise<void> {
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()?.();
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      port2.postMessage(null);
    });
}
