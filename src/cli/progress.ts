import { clearScreenDown, moveCursor } from 'node:readline';
import cliProgress from 'cli-progress';
import type { Progress } from '../core/progress.ts';
import { duration } from './format.ts';

/** Without a terminal a line is written this often, and sooner at a new phase, so that a log tells the story and no more. */
const PLAIN_EVERY_MS = 5000;
const PLAIN_PHASE_EVERY_MS = 2000;

export interface ProgressLine {
  update(progress: Progress): void;
  /** Writes a line of its own above the bar. */
  note(line: string): void;
  /** Replaces the lines that stand right above the bar, until the end; false where lines cannot be taken back. */
  show(board: string): boolean;
  stop(): void;
}

/** What a progress line says beside its bar: `430 images/s   loss 0.143   0:48 left`. */
export function progressDetail(progress: Progress): string {
  const metrics = Object.entries(progress.metrics ?? {}).map(([name, value]) => `${name} ${Number(value.toPrecision(3))}`);
  const speed = progress.imagesPerSecond === undefined ? [] : [`${progress.imagesPerSecond.toFixed(0)} images/s`];
  const left = progress.secondsLeft === undefined ? [] : [`${duration(progress.secondsLeft)} left`];
  return [...metrics, ...speed, ...left].join('   ');
}

/** A progress line on standard error, so that standard output stays what was asked for. */
export function openProgressLine(stream: NodeJS.WriteStream = process.stderr): ProgressLine {
  return stream.isTTY ? barLine(stream) : plainLine(stream);
}

function barLine(stream: NodeJS.WriteStream): ProgressLine {
  const bar = new cliProgress.SingleBar({
    stream,
    format: '  {phase}  {bar}  {detail}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 20,
    hideCursor: true,
    clearOnComplete: true,
    forceRedraw: true,
    // The bar's own interrupt handler would swallow Ctrl-C.
    gracefulExit: false,
  });
  let started = false;
  let board = '';
  const stop = (): void => {
    if (started) bar.stop();
    started = false;
  };
  /** Takes the board back, writes a line in its place, and the new board below. */
  const rewrite = (line: string, next: string): void => {
    stop();
    if (board) {
      moveCursor(stream, 0, -board.split('\n').length);
      clearScreenDown(stream);
    }
    board = next;
    stream.write(
      [line, board]
        .filter(Boolean)
        .map((text) => `${text}\n`)
        .join(''),
    );
  };
  return {
    update: (progress) => {
      const payload = { phase: progress.phase, detail: progressDetail(progress) };
      if (!started) bar.start(Math.max(progress.total, 1), progress.done, payload);
      started = true;
      bar.setTotal(Math.max(progress.total, 1));
      bar.update(Math.min(progress.done, progress.total), payload);
    },
    note: (line) => rewrite(line, board),
    show: (next) => {
      rewrite('', next);
      return true;
    },
    stop: () => rewrite('', ''),
  };
}

function plainLine(stream: NodeJS.WriteStream): ProgressLine {
  let phase = '';
  let writtenAt = 0;
  return {
    update: (progress) => {
      const wait = progress.phase === phase ? PLAIN_EVERY_MS : PLAIN_PHASE_EVERY_MS;
      if (Date.now() - writtenAt < wait) return;
      phase = progress.phase;
      writtenAt = Date.now();
      const share = progress.total > 0 ? `${Math.floor((100 * progress.done) / progress.total)} %` : '';
      stream.write(`  ${[phase, share, progressDetail(progress)].filter(Boolean).join('   ')}\n`);
    },
    note: (line) => void stream.write(`${line}\n`),
    show: () => false,
    stop: () => undefined,
  };
}
