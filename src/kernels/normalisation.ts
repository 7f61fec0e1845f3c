import type { NormalisationJob } from './jobs.ts';
import type { TrainingKernels } from './training.ts';

const CHUNK_BYTES = 16_384;
/** Below this many channels the kernels have no vector to fill. */
export const CHANNELS_LEAST = 4;

type Forward = 'x' | 'gamma' | 'beta' | 'mean' | 'inverse' | 'y' | 'oldMean' | 'oldVariance' | 'newMean' | 'newVariance';
type Backward = 'x' | 'gamma' | 'mean' | 'inverse' | 'dy' | 'dx' | 'dGamma' | 'dBeta';
type Addresses<Field extends keyof NormalisationJob> = Pick<NormalisationJob, 'rows' | 'channels' | Field>;

/** y, the batch's statistics and the moving ones after it; channels at least {@link CHANNELS_LEAST}. */
export function normalise(kernels: TrainingKernels, given: Addresses<Forward>, epsilon: number, momentum: number): void {
  kernels.normalise({ ...unused, ...given, ...chunked(kernels, given) }, epsilon, momentum);
}

/** The gradients by x, gamma and beta, from the batch's statistics. */
export function normaliseGradient(kernels: TrainingKernels, given: Addresses<Backward>): void {
  kernels.normaliseGradient({ ...unused, ...given, ...chunked(kernels, given) });
}

const unused = { beta: 0, y: 0, oldMean: 0, oldVariance: 0, newMean: 0, newVariance: 0, dy: 0, dx: 0, dGamma: 0, dBeta: 0 };

function chunked(kernels: TrainingKernels, { channels }: Addresses<never>): Pick<NormalisationJob, 'chunk' | 'sums'> {
  return { chunk: Math.max(16, Math.floor(CHUNK_BYTES / (channels * 4))), sums: kernels.scratch(Math.ceil(channels / 4) * 64) };
}
