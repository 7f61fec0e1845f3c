import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { type Compare, pairsOf } from '../core/dice/index.ts';
import { Failure } from '../core/failure.ts';

const PAGE_BYTES = 65_536;
/** Memory that a program starts with, and may grow to; the same as in the module's import. */
const PAGES_MIN = 1;
const PAGES_MAX = 32_768;

/** Words of the control block at address 0 that the threads agree by; the job follows at JOB. */
const words = { generation: 0, active: 1, helped: 2 } as const;
const JOB = 16;
/** Words of the job, in the order that assembly/dice.ts reads them. */
const JOB_WORDS = 16;
const DATA = 128;
/** More than any job has tasks: while the next task stands here, a thread that wakes late finds nothing to do. */
const CLOSED = 0x4000_0000;

/** Rows of a block together fill about this much of a second-level cache. */
const BLOCK_BYTES = 262_144;
/** Vectors of a row that are compared before the next rows' turn; a little more than assembly/dice.ts takes at once. */
const PANEL = 256;
/** Blocks for each thread, so that the last ones leave none waiting for long. */
const BLOCKS_PER_THREAD = 4;
/** Rows whose averages are one task. */
const AVERAGED = 32;
/** Below this many pair values waking another thread costs more than it saves. */
const PAIR_VALUES_ALONE = 1_000_000;

/** Fast comparisons in SIMD on several threads; the reference is `compareKernels` of core/dice. */
export interface DiceKernels {
  readonly threads: number;
  /** Tasks that helping threads have taken so far. */
  readonly helped: number;
  /**
   * Sørensen–Dice similarity of all pairs of rows, as core/dice's `compareKernels`, with values rounded to 24 bits: S is off
   * by at most 2⁻²⁵ / mean ŵ, and by a hundredth of that where errors cancel. The calling thread works too and returns when
   * all are done. What is returned lies in the threads' memory, and the next comparison overwrites it.
   *
   * @param matrix finite values; not below 0 unless rescaled
   * @throws Failure `out-of-memory` when the matrix does not fit into 2 GiB with its result
   */
  readonly compare: Compare;
  /** The same with values rounded to 254ths, which sixteen at a time compare twice as fast: S is off by at most 1 / (508 · mean ŵ). */
  readonly compareQuantised: Compare;
  /** Ends the helping threads. */
  close(): void;
}

/**
 * Starts threads − 1 helpers. They do not keep the process alive.
 *
 * @throws Failure `engine-unavailable` when the set-up has not built the kernels
 */
export function openDiceKernels({ threads }: { threads: number }): DiceKernels {
  const module = new WebAssembly.Module(readKernel());
  const memory = new WebAssembly.Memory({ initial: PAGES_MIN, maximum: PAGES_MAX, shared: true });
  const { work } = new WebAssembly.Instance(module, { env: { memory } }).exports as { work: (job: number) => number };
  const control = new Int32Array(memory.buffer, 0, DATA / 4);
  const job = control.subarray(JOB / 4, JOB / 4 + JOB_WORDS);
  job[0] = CLOSED;
  const helpers = Array.from({ length: threads - 1 }, () => {
    const helper = new Worker(new URL('worker.mjs', import.meta.url), { workerData: { module, memory, words, job: JOB }, execArgv: [] });
    helper.unref();
    return helper;
  });

  const settle = (): void => {
    for (let active = Atomics.load(control, words.active); active > 0; active = Atomics.load(control, words.active)) {
      Atomics.wait(control, words.active, active);
    }
  };
  /** Runs one phase of a job on all threads, or on this one alone. */
  const run = (phase: readonly number[], alone: boolean): void => {
    Atomics.store(job, 0, CLOSED);
    settle();
    job.set(phase, 1);
    Atomics.store(job, 0, 0);
    if (!alone) {
      Atomics.add(control, words.generation, 1);
      Atomics.notify(control, words.generation);
    }
    work(JOB);
    settle();
  };

  const comparison =
    (quantise: boolean): Compare =>
    ({ count, size, values }, { rescale, columns: { from, to } = { from: 0, to: size } }) => {
      const pairs = pairsOf(count);
      const steps = Math.ceil((to - from) / (quantise ? 16 : 4));
      const groups = Math.ceil(count / 4);
      const sums = DATA;
      const averages = sums + count * 8;
      const packed = 16 * Math.ceil((averages + count * 8) / 16);
      // The values as they are given lie where S will: they are packed before anything is compared.
      const triangle = packed + groups * steps * 64;
      reserve(memory, triangle + Math.max(pairs * 8, count * size * 4));
      new Float32Array(memory.buffer, triangle, count * size).set(values);

      const block = Math.max(
        1,
        Math.min(Math.floor(BLOCK_BYTES / (Math.min(steps, PANEL) * 64)), Math.ceil(groups / (threads * BLOCKS_PER_THREAD))),
      );
      const flags = [Number(rescale), Number(quantise)];
      const numbers = [count, size, from, to - from, steps, block, triangle, packed, sums, triangle, averages, ...flags];
      const alone = pairs * (to - from) < PAIR_VALUES_ALONE;
      run([groups, 0, ...numbers], alone);
      run([Math.ceil(groups / block), 1, ...numbers], alone);
      run([Math.ceil(count / AVERAGED), 2, ...numbers], alone);
      return { triangle: new Float64Array(memory.buffer, triangle, pairs), averages: new Float64Array(memory.buffer, averages, count) };
    };

  return {
    threads,
    get helped() {
      return Atomics.load(control, words.helped);
    },
    compare: comparison(false),
    compareQuantised: comparison(true),
    close: () => {
      for (const helper of helpers) void helper.terminate();
    },
  };
}

function readKernel(): Buffer {
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
