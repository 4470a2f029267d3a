/**
 * The one owner of requestAnimationFrame: work that may wait for the next frame is asked for here and done once.
 * In a hidden tab, where frames do not come, a timer takes their place so that nothing piles up.
 */
export interface Frame {
  /** Runs `task` in the next frame; asking again before that changes nothing. */
  request(task: () => void): void;
  /** Resolves after the next frame's tasks. */
  next(): Promise<void>;
}

const HIDDEN_DELAY_MS = 100;

export function createFrame(): Frame {
  const tasks = new Set<() => void>();
  let scheduled = false;
  let timer = 0;
  let frame = 0;
  const run = (): void => {
    if (!scheduled) return;
    scheduled = false;
    window.clearTimeout(timer);
    window.cancelAnimationFrame(frame);
    const now = [...tasks];
    tasks.clear();
    for (const task of now) task();
  };
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    frame = window.requestAnimationFrame(run);
    timer = window.setTimeout(run, HIDDEN_DELAY_MS);
  };
  return {
    request: (task) => {
      tasks.add(task);
      schedule();
    },
    next: () =>
      new Promise((resolve) => {
        tasks.add(() => resolve());
        schedule();
      }),
  };
}
