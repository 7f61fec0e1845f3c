import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { Failure } from '../core/failure.ts';

const PAGE_BYTES = 65_536;
/** Memory that a program starts with, and may grow to; the same as in the module's import. */
const PAGES_MIN = 1;
const PAGES_MAX = 32_768;

/** Words of the control block at address 0 that the threads agree by; the job follows at JOB. */
const words = { generation: 0, active: 1, helped: 2 } as const;
const JOB = 16;
const JOB_WORDS = 16;
/** More than any job has tasks: while the next task stands here, a thread that wakes late finds nothing to do. */
const CLOSED = 0x4000_0000;

/** Threads that share a memory and the tasks of one job after the other. */
export interface Threads {
  readonly count: number;
  readonly memory: WebAssembly.Memory;
  /** Tasks that helping threads have taken so far. */
  readonly helped: number;
  /** Memory below it is the threads' own. */
  readonly firstByte: number;
  /**
   * Grows the memory to so many bytes, which detaches views of its end only.
   *
   * @throws Failure `out-of-memory`
   */
  reserve(bytes: number): void;
  /**
   * Runs the tasks of one phase on all threads, or on the calling one alone, and returns when all are done.
   *
   * @param fields what the phase reads after its number, in the order of the class in assembly/
   */
  run(tasks: number, phase: number, fields: readonly number[], alone?: boolean): void;
  /** Ends the helping threads. */
  close(): void;
}

/**
 * Starts count − 1 helpers. They do not keep the process alive.
 *
 * @throws Failure `engine-unavailable` when the set-up has not built the kernels
 */
export function openThreads(count: number): Threads {
  const module = new WebAssembly.Module(readKernels());
  const memory = new WebAssembly.Memory({ initial: PAGES_MIN, maximum: PAGES_MAX, shared: true });
  const { work } = new WebAssembly.Instance(module, { env: { memory } }).exports as { work: (job: number) => number };
  const control = new Int32Array(memory.buffer, 0, JOB / 4 + JOB_WORDS);
  const job = control.subarray(JOB / 4);
  job[0] = CLOSED;
  const helpers = Array.from({ length: count - 1 }, () => {
    const helper = new Worker(new URL('worker.mjs', import.meta.url), { workerData: { module, memory, words, job: JOB }, execArgv: [] });
    helper.unref();
    return helper;
  });

  const settle = (): void => {
    for (let active = Atomics.load(control, words.active); active > 0; active = Atomics.load(control, words.active)) {
      Atomics.wait(control, words.active, active);
    }
  };
  return {
    count,
    memory,
    get helped() {
      return Atomics.load(control, words.helped);
    },
    firstByte: 128,
    reserve: (bytes) => reserve(memory, bytes),
    run: (tasks, phase, fields, alone = false) => {
      Atomics.store(job, 0, CLOSED);
      settle();
      job.set([tasks, phase, ...fields], 1);
      Atomics.store(job, 0, 0);
      if (!alone) {
        Atomics.add(control, words.generation, 1);
        Atomics.notify(control, words.generation);
      }
      work(JOB);
      settle();
    },
    close: () => {
      for (const helper of helpers) void helper.terminate();
    },
  };
}

function readKernels(): Buffer {
  try {
    return readFileSync(new URL('dice.wasm', import.meta.url));
  } catch (cause) {
    throw new Failure('engine-unavailable', 'The Dice kernels have not been compiled.', { hint: 'Run npm run setup.', cause });
  }
}

function reserve(memory: WebAssembly.Memory, bytes: number): void {
  const missing = Math.ceil((bytes - memory.buffer.byteLength) / PAGE_BYTES);
  if (missing <= 0) return;
  try {
    memory.grow(missing);
  } catch (cause) {
    throw new Failure('out-of-memory', `A similarity matrix needs ${(bytes / 1e9).toFixed(1)} GB, more than there is.`, {
      hint: 'Profile convolutions only, or give the process more memory.',
      cause,
    });
  }
}
