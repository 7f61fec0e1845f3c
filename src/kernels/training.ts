import { readFileSync } from 'node:fs';
import { Failure } from '../core/failure.ts';
import { ADAMW_FIELDS, NORMALISATION_FIELDS, SCRATCH_FIELDS, WINDOW_FIELDS } from './jobs.ts';
import type { AdamwJob, NormalisationJob, Operands, PreparedJob } from './jobs.ts';

const OPERANDS = ['x', 'kernel', 'y'] as const;

/** The memory that tensors lie in, and where to get more of it. */
export interface KernelMemory {
  readonly memory: WebAssembly.Memory;
  allocate(bytes: number): number;
  free(address: number): void;
}

interface Exports {
  adamw(...numbers: number[]): void;
  correlate(job: number): void;
  kernelGradient(job: number): void;
  winograd(job: number): void;
  winogradKernelGradient(job: number): void;
  depthwise(job: number): void;
  depthwiseKernelGradient(job: number): void;
  normalise(job: number, epsilon: number, momentum: number): void;
  normaliseGradient(job: number): void;
  rectify: TrainingKernels['rectify'];
  rectifyGradient: TrainingKernels['rectifyGradient'];
}

/** Kernels that work in place on float32 tensors, by their addresses. */
export interface TrainingKernels {
  /** Scratch of at least so many bytes; what lay there before is lost, and lost again with the next call. */
  scratch(bytes: number): number;
  clear(address: number, bytes: number): void;
  copy(from: number, to: number, bytes: number): void;
  /**
   * A sum over windows. `winograd` and `winogradKernelGradient` are `correlate` and `kernelGradient` with fewer products, for 3×3 taps
   * that touch, windows at every pixel, one group and four channels or more each way; `depthwise` and `depthwiseKernelGradient` for
   * groups of one channel, at least four of them.
   */
  run(job: PreparedJob, at: Operands): void;
  normalise(job: NormalisationJob, epsilon: number, momentum: number): void;
  normaliseGradient(job: NormalisationJob): void;
  /** One step of AdamW over a vector. */
  adamw(step: AdamwJob): void;
  /** y = max(0, x), and at most `most`. */
  rectify(x: number, y: number, count: number, most: number): void;
  /** dx = dy where 0 < y < most, else 0. */
  rectifyGradient(dy: number, y: number, dx: number, count: number, most: number): void;
}

/** @throws Failure `engine-unavailable` when the set-up has not built the kernels */
export function openTrainingKernels({ memory, allocate, free }: KernelMemory): TrainingKernels {
  const kernels = new WebAssembly.Instance(new WebAssembly.Module(readKernels()), { env: { memory } }).exports as unknown as Exports;
  const jobAddress = allocate(Math.max(WINDOW_FIELDS.length, NORMALISATION_FIELDS.length) * 4);
  const own = { address: 0, bytes: 0 };
  // Views are made anew each time: those of before are detached once the memory grows.
  const written = <Field extends string>(fields: readonly Field[], job: Readonly<Record<Field, number>>): number => {
    const words = new Int32Array(memory.buffer, jobAddress, fields.length);
    for (const [at, field] of fields.entries()) words[at] = job[field];
    return jobAddress;
  };
  const scratchOf = (bytes: number): number => {
    if (bytes > own.bytes) {
      if (own.bytes > 0) free(own.address);
      own.bytes = Math.ceil(bytes * 1.25);
      own.address = allocate(own.bytes);
    }
    return own.address;
  };
  return {
    scratch: scratchOf,
    clear: (address, bytes) => void new Uint8Array(memory.buffer, address, bytes).fill(0),
    copy: (from, to, bytes) => void new Uint8Array(memory.buffer).copyWithin(to, from, from + bytes),
    run({ kernel, words, scratchBytes }, at) {
      const scratch = scratchOf(scratchBytes);
      const job = new Int32Array(memory.buffer, jobAddress, words.length);
      job.set(words);
      for (const operand of OPERANDS) job[WINDOW_FIELDS.indexOf(operand)] += at[operand];
      for (const field of SCRATCH_FIELDS) job[WINDOW_FIELDS.indexOf(field)] += scratch;
      kernels[kernel](jobAddress);
    },
    normalise: (job, epsilon, momentum) => kernels.normalise(written(NORMALISATION_FIELDS, job), epsilon, momentum),
    normaliseGradient: (job) => kernels.normaliseGradient(written(NORMALISATION_FIELDS, job)),
    adamw: (job) => kernels.adamw(...ADAMW_FIELDS.map((field) => job[field])),
    rectify: kernels.rectify,
    rectifyGradient: kernels.rectifyGradient,
  };
}

function readKernels(): Buffer {
  try {
    return readFileSync(new URL('training.wasm', import.meta.url));
  } catch (cause) {
    throw new Failure('engine-unavailable', 'The training kernels have not been compiled.', { hint: 'Run npm run setup.', cause });
  }
}
