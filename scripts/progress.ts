import { progressDetail } from '../src/cli/progress.ts';
import type { OnProgress } from '../src/core/progress.ts';

/** One line a phase, rewritten in place on a terminal. */
export function progressLine(what: string): OnProgress {
  let shown = '';
  return (progress) => {
    const { phase, done, total } = progress;
    const line = `${what} ${phase} ${done}/${total}   ${progressDetail(progress)}`;
    if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${line}`);
    else if (phase !== shown || done === total) console.log(line);
    shown = phase;
  };
}
