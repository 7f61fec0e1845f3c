import type { OnProgress } from '../../core/progress.ts';

/** Turns the progress of one run after another into that of all of them. */
export interface RunClock {
  /** The next run begins; returns what it reports to. */
  begin(label: string): OnProgress;
  /** One run more is finished, begun here or kept from an earlier attempt. */
  finished(): void;
}

/**
 * @param total runs
 * @param now milliseconds
 */
export function createRunClock(total: number, onProgress: OnProgress, now: () => number = () => performance.now()): RunClock {
  let done = 0;
  let begun: number | undefined;
  const seconds: number[] = [];
  return {
    begin: (label) => {
      const start = now();
      begun = start;
      let share = 0;
      return (one) => {
        const { phase, secondsLeft: leftOfRun } = one;
        const spent = (now() - start) / 1000;
        // Before a run is finished, what is known of the first is what its training tells.
        const known = seconds.length > 0 ? seconds.reduce((a, b) => a + b) / seconds.length : leftOfRun && spent + leftOfRun;
        const ofRun = known && Math.max(spent, known);
        if (ofRun) share = Math.max(share, spent / ofRun);
        const secondsLeft = ofRun && ofRun * (total - done) - spent;
        onProgress({ ...one, phase: `${label} ${phase}`, done: done + share, total, secondsLeft });
      };
    },
    finished: () => {
      done++;
      if (begun !== undefined) seconds.push((now() - begun) / 1000);
      begun = undefined;
    },
  };
}
