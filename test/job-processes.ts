import { readdirSync, readFileSync } from 'node:fs';

/** Processes that this one started for jobs. */
export const jobProcesses = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const [, parent] = /\) \w (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
        return Number(parent) === process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('jobs/child.ts');
      } catch {
        // It has ended meanwhile.
        return false;
      }
    })
    .map(Number);
