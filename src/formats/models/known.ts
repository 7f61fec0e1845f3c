import type { Node, Preprocessing } from '../../core/network/types.ts';

interface Known {
  /** The model, and its preparation in words. */
  readonly assumption: string;
  readonly preprocessing: Preprocessing;
}

/** Published models whose files do not say how images are prepared, by input shape and widths of their kernels. */
const known: Readonly<Record<string, Known>> = {
  // github.com/mlcommons/tiny trains it on CIFAR-10's bytes as they are.
  '32x32x3 16,16,16,32,32,32,64,64,64,10': {
    assumption: 'Recognised as the ResNet-8 of MLPerf Tiny, which takes RGB pixels 0…255 as they are.',
    preprocessing: { scale: 1, mean: [0, 0, 0], std: [1, 1, 1], resize: 'shorter-side-centre-crop' },
  },
};

/** What a published model of this topology expects of its images; undefined where it is none that is known. */
export function knownPreprocessing(nodes: readonly Node[]): Known | undefined {
  const [input] = nodes;
  if (input.kind !== 'Input') return undefined;
  const widths = nodes.flatMap(({ config }) => ('filters' in config ? [config.filters] : 'units' in config ? [config.units] : []));
  return known[`${input.config.shape.join('x')} ${widths.join()}`];
}
