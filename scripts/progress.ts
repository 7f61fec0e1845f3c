import type { OnProgress } from '../src/core/progress.ts';

/** One line a phase, rewritten in place on a terminal. */
export function progressLine(what: string): OnProgress {
  let shown = '';
  return ({ phase, done, total, imagesPerSecond = 0, secondsLeft = 0, metrics = {} }) => {
    const figures = Object.entries(metrics).map(([name, value]) => `${name} ${value.toPrecision(3)}`);
    const speed = `${imagesPerSecond.toFixed(0)} images/s ${secondsLeft.toFixed(0)} s left`;
    const line = `${what} ${phase} ${done}/${total} ${speed} ${figures.join(' ')}`;
    if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${line}`);
    else if (phase !== shown || done === total) console.log(line);
    shown = phase;
  };
}
