/** Fields of a sum over windows, in the order that assembly/job.ts reads them. */
export const WINDOW_FIELDS = [
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
  'lines',
] as const;

/** What assembly/job.ts says of each field. */
export type WindowJob = Readonly<Record<(typeof WINDOW_FIELDS)[number], number>>;

/** Those that are addresses in the scratch. */
export const SCRATCH_FIELDS = ['padded', 'places', 'packed', 'widened', 'lines'] as const;

/** Addresses of the image, the kernel and the result, or of their gradients. */
export interface Operands {
  readonly x: number;
  readonly kernel: number;
  readonly y: number;
}

/** A job without addresses: the operands' count from where those begin, those in the scratch from its beginning. */
export interface PreparedJob {
  readonly kernel: 'correlate' | 'kernelGradient' | 'winograd' | 'winogradKernelGradient' | 'depthwise' | 'depthwiseKernelGradient';
  /** In the order of {@link WINDOW_FIELDS}. */
  readonly words: Int32Array;
  readonly scratchBytes: number;
}

export const wordsOf = (job: WindowJob): Int32Array => Int32Array.from(WINDOW_FIELDS, (field) => job[field]);

/** Fields of a normalisation, in the order that assembly/normalise.ts reads them. */
export const NORMALISATION_FIELDS = [
  'rows',
  'channels',
  'chunk',
  'x',
  'gamma',
  'beta',
  'mean',
  'inverse',
  'y',
  'oldMean',
  'oldVariance',
  'newMean',
  'newVariance',
  'dy',
  'dx',
  'dGamma',
  'dBeta',
  'sums',
] as const;

/** What assembly/normalise.ts says of each field. */
export type NormalisationJob = Readonly<Record<(typeof NORMALISATION_FIELDS)[number], number>>;

/** Arguments of a step of AdamW, in the order that assembly/adamw.ts takes them: a count, addresses, and numbers. */
export const ADAMW_FIELDS = [
  'count',
  'values',
  'first',
  'second',
  'gradient',
  'decay',
  'newValues',
  'newFirst',
  'newSecond',
  'beta1',
  'beta2',
  'share1',
  'share2',
  'rate',
  'epsilon',
  'decayRate',
] as const;

/** `decay` is 0 where nothing decays. */
export type AdamwJob = Readonly<Record<(typeof ADAMW_FIELDS)[number], number>>;
