import { readFileSync } from 'node:fs';
import { Failure } from '../core/failure.ts';

/** Fields of a job, in the order that assembly/job.ts reads them. */
const FIELDS = [
  'images',
  'groups',
  'x',
  'height',
  'width',
  'pixel',
  'top',
  'left',
  'paddedHeight',
  'paddedWidth',
  'paddedPixel',
  'rows',
  'columns',
  'rowStride',
  'columnStride',
  'tapRows',
  'tapColumns',
  'tapRowStride',
  'tapColumnStride',
  'inputs',
  'outputs',
  'y',
  'yImage',
  'yRow',
  'yColumn',
  'kernel',
  'kernelGroup',
  'kernelRow',
  'kernelColumn',
  'kernelInput',
  'kernelOutput',
  'chunk',
  'padded',
  'places',
  'packed',
  'widened',
] as const;

/** What assembly/job.ts says of each field. */
export type Job = Readonly<Record<(typeof FIELDS)[number], number>>;

/** The memory that tensors lie in, and where to get more of it. */
export interface KernelMemory {
  readonly memory: WebAssembly.Memory;
  allocate(bytes: number): number;
  free(address: number): void;
}

interface Exports {
  correlate(job: number): void;
  kernelGradient(job: number): void;
}

export type Convolve = keyof Exports;

/** Kernels that work in place on tensors, by their addresses. */
export interface TrainingKernels {
  /** Scratch of at least so many bytes; what lay there before is lost, and lost again with the next call. */
  scratch(bytes: number): number;
  clear(address: number, bytes: number): void;
  convolve(kernel: Convolve, job: Job): void;
}

/** @throws Failure `engine-unavailable` when the set-up has not built the kernels */
export function openTrainingKernels({ memory, allocate, free }: KernelMemory): TrainingKernels {
  const kernels = new WebAssembly.Instance(new WebAssembly.Module(readKernels()), { env: { memory } }).exports as unknown as Exports;
  const jobAddress = allocate(FIELDS.length * 4);
  const own = { address: 0, bytes: 0 };
  return {
    scratch(bytes) {
      if (bytes > own.bytes) {
        if (own.bytes > 0) free(own.address);
        own.bytes = Math.ceil(bytes * 1.25);
        own.address = allocate(own.bytes);
      }
      return own.address;
    },
    // Views are made anew each time: those of before are detached once the memory grows.
    clear: (address, bytes) => void new Uint8Array(memory.buffer, address, bytes).fill(0),
    convolve(kernel, job) {
      const words = new Int32Array(memory.buffer, jobAddress, FIELDS.length);
      for (const [at, field] of FIELDS.entries()) words[at] = job[field];
      kernels[kernel](jobAddress);
    },
  };
}

function readKernels(): Buffer {
  try {
    return readFileSync(new URL('training.wasm', import.meta.url));
  } catch (cause) {
    throw new Failure('engine-unavailable', 'The training kernels have not been compiled.', { hint: 'Run npm run setup.', cause });
  }
}
