import { meanOver, relative, type Criterion } from './criterion.ts';

/** Mean rank of a channel's feature maps over images, divided by the layer's mean (HRank, Lin et al. 2020). */
export const hrank: Criterion = {
  compares: false,
  needs: () => ['featureMaps'],
  score: (view) => meanOver(view.featureMaps(), view.size, ({ meanRank }) => relative(meanRank)),
};

/** One minus the average share of zeros after the ReLU: the channel that answers least often leaves (APoZ, Hu et al. 2016). */
export const apoz: Criterion = {
  compares: false,
  needs: () => ['featureMaps'],
  obstacle: (view) =>
    view.featureMaps().some(({ nonNegative }) => !nonNegative)
      ? 'Its activations do not come straight from a ReLU, so that none of them is zero and APoZ says nothing.'
      : undefined,
  score: (view) => meanOver(view.featureMaps(), view.size, ({ zeroShare }) => zeroShare.map((share) => 1 - share)),
};
