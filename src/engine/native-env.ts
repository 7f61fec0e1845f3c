import { createRequire } from 'node:module';

/**
 * Prepares the process for loading TensorFlow, which reads these variables once, while it loads.
 * Threads given here hold for the whole process.
 */
export function prepareNativeEnvironment(threads: number): void {
  const count = String(threads);
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '3';
  process.env['TF_NUM_INTRAOP_THREADS'] = count;
  process.env['TF_NUM_INTEROP_THREADS'] = '1';
  process.env['OMP_NUM_THREADS'] = count;
  // One process may hold a whole GPU otherwise, and jobs run side by side.
  process.env['TF_FORCE_GPU_ALLOW_GROWTH'] ??= 'true';
  // tfjs-node calls this function, which Node 23 removed.
  const util: { isNullOrUndefined?: (value: unknown) => boolean } = createRequire(import.meta.url)('node:util');
  util.isNullOrUndefined ??= (value) => value === undefined || value === null;
}
