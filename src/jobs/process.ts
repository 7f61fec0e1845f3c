import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { Failure } from '../core/failure.ts';
import type { FromChild, Start } from './messages.ts';

/** How a job's process ended: with a last word, or without. */
export type Outcome = Extract<FromChild, { type: 'result' | 'failure' }> | { readonly type: 'death'; readonly cause: Failure };

export interface JobProcess {
  /** SIGTERM, then SIGKILL after `graceMs`. */
  end(graceMs: number): void;
  kill(): void;
  /** Settles when the process is gone and all that it said has been heard. */
  readonly outcome: Promise<Outcome>;
}

/** For `node --import`: runs TypeScript from whatever directory the process is started in. */
export const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

/** TensorFlow's information lines while it loads; it heeds no log level before its logging has begun. */
const STARTUP_NOISE = /^(WARNING: All log messages before absl::InitializeLog|I\d{4} \d\d:\d\d:)/;

/** End of what a process wrote to stderr that is searched for why it died. */
const TAIL_CHARACTERS = 4000;

function causeOfDeath(code: number | null, signal: NodeJS.Signals | null, tail: string): Failure {
  const hint = 'Use a smaller model, dataset or batch size, or raise ESPALIER_JOB_MEMORY_MIB.';
  if (/heap out of memory|bad_alloc|Cannot allocate memory/.test(tail))
    return new Failure('out-of-memory', "The job's process ran out of memory.", { hint });
  // Nobody but an operator and the kernel, when memory runs out, sends this one.
  if (signal === 'SIGKILL')
    return new Failure('out-of-memory', "The job's process was killed by the system, most likely for lack of memory.", { hint });
  const how = signal ? `signal ${signal}` : `exit code ${code}`;
  return new Failure('internal', `The job's process ended unexpectedly (${how}).`, { hint: "The service's log tells more." });
}

function forkEntry(entry: string, memoryMiB: number): ChildProcess {
  return fork(entry, [], {
    execArgv: ['--import', tsx, `--max-old-space-size=${memoryMiB}`],
    // Standard output is the CLI's answer; whatever a library prints there goes to stderr.
    stdio: ['ignore', process.stderr.fd, 'pipe', 'ipc'],
  });
}

/**
 * Runs one job in a process of its own; `hear` gets all that it says but its last word. What `hear` throws ends the process.
 * @param entry absolute path of the process root
 */
export function startProcess(entry: string, memoryMiB: number, start: Start, hear: (message: FromChild) => void): JobProcess {
  const child = forkEntry(entry, memoryMiB);
  let lastWord: Outcome | undefined;
  let tail = '';
  let grace: NodeJS.Timeout | undefined;

  const kill = (): void => void child.kill('SIGKILL');
  const outcome = new Promise<Outcome>((resolve) => {
    child.on('message', (message) => {
      const said = message as FromChild;
      if (said.type === 'result' || said.type === 'failure') {
        lastWord = said;
        // All that it made is on disk; tearing TensorFlow down politely takes longer.
        return kill();
      }
      try {
        hear(said);
      } catch (cause) {
        lastWord = { type: 'death', cause: new Failure('internal', 'The job could not be recorded.', { cause }) };
        kill();
      }
    });
    createInterface({ input: child.stderr ?? Readable.from([]) }).on('line', (line) => {
      if (STARTUP_NOISE.test(line)) return;
      process.stderr.write(`${line}\n`);
      tail = `${tail}${line}\n`.slice(-TAIL_CHARACTERS);
    });
    child.on('error', (cause) => {
      lastWord ??= { type: 'death', cause: new Failure('internal', "The job's process could not be started.", { cause }) };
      if (child.pid === undefined) resolve(lastWord);
    });
    // Not on 'exit': the last messages may still be in the channel then.
    child.on('close', (code, signal) => {
      clearTimeout(grace);
      resolve(lastWord ?? { type: 'death', cause: causeOfDeath(code, signal, tail) });
    });
  });
  // A process that dies at once cannot be told; its end is heard all the same.
  child.send(start, () => {});

  return {
    kill,
    outcome,
    end: (graceMs) => {
      child.kill('SIGTERM');
      grace ??= setTimeout(kill, graceMs);
    },
  };
}
