import type { KernelMatrix } from './similarity.ts';

/** W[i][k] = sin(0.37·(k+1)·(i+2))·(1 + 0.25·cos(1.9·i)): kernels that any language can make again. */
export function formulaKernels(count: number, size: number): KernelMatrix {
  const values = new Float64Array(count * size);
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < size; k++) values[i * size + k] = Math.sin(0.37 * (k + 1) * (i + 2)) * (1 + 0.25 * Math.cos(1.9 * i));
  }
  return { count, size, values };
}
