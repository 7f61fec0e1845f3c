import type { Estimate } from '../stats/index.ts';

export type SourceSide = 'source quantiles' | 'batch normalisation';

/** Source–target alignment of a backbone, in [0, 1]. */
export interface Alignment extends Estimate {
  /** Where the source's distributions come from: stored quantiles, or the normal distribution of the moving statistics. */
  readonly from: SourceSide;
  readonly layers: readonly { readonly layer: string; readonly channels: number; readonly alignment: number }[];
}
