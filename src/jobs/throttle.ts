import type { OnProgress, Progress } from '../core/progress.ts';

/** Passes on the first report at once and then the latest one, at most one in `everyMs`; `flush` passes on what still waits. */
export function throttle(send: OnProgress, everyMs: number): { report: OnProgress; flush: () => void } {
  let waiting: Progress | undefined;
  let timer: NodeJS.Timeout | undefined;
  let sentAt = Number.NEGATIVE_INFINITY;

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (!waiting) return;
    sentAt = performance.now();
    send(waiting);
    waiting = undefined;
  };
  return {
    flush,
    report: (progress) => {
      waiting = progress;
      const dueMs = sentAt + everyMs - performance.now();
      // Checked here too, because long work may not let the timer run.
      if (dueMs <= 0) flush();
      else timer ??= setTimeout(flush, dueMs);
    },
  };
}
