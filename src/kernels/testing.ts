import type { Random } from '../core/random.ts';
import { openTrainingKernels } from './training.ts';
import type { KernelMemory, TrainingKernels } from './training.ts';

const PAGES = 256;
const GUARD = 12_345.5;

/** Kernels on a memory of their own, whose allocations lie between guards. */
export function kernelsForTests() {
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
  const all = new Float32Array(memory.buffer).fill(GUARD);
  const guards: number[] = [];
  let end = 64;
  // Odd places: tensors need not lie on whole vectors.
  const allocate: KernelMemory['allocate'] = (bytes) => {
    const address = end + 4;
    end = address + Math.ceil(bytes / 4) * 4;
    guards.push(address / 4 - 1, end / 4);
    if (end > memory.buffer.byteLength) throw new Error('The memory for tests is full.');
    return address;
  };
  const kernels: TrainingKernels = openTrainingKernels({ memory, allocate, free: () => undefined });
  const view = (address: number, length: number): Float32Array => all.subarray(address / 4, address / 4 + length);
  return {
    kernels,
    /** Fresh values at the address that comes with them. */
    place(values: ArrayLike<number>): number {
      const address = allocate(values.length * 4);
      view(address, values.length).set(Array.from(values));
      return address;
    },
    view,
    /** Whether nothing was written beside what was allocated. */
    guarded: (): boolean => guards.every((at) => all[at] === GUARD || guards.filter((other) => other === at).length > 1),
  };
}

export function normals(random: Random, length: number): Float32Array {
  return Float32Array.from({ length }, () => random.normal());
}

/** Largest difference as a share of the largest expected value; infinite where a value is not a number. */
export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let largest = 0;
  let scale = 1e-6;
  for (let at = 0; at < expected.length; at++) {
    if (!Number.isFinite(actual[at])) return Number.POSITIVE_INFINITY;
    largest = Math.max(largest, Math.abs(actual[at] - expected[at]));
    scale = Math.max(scale, Math.abs(expected[at]));
  }
  return largest / scale;
}
